// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {
    BlocklistToken,
    FalseToken,
    FeeToken,
    HookToken,
    ImpostorToken,
    LyingToken,
    PlainToken,
    RebasingToken,
    RevertingToken,
    SilentToken
} from "../router/Tokens.sol";

/// @notice Balance grows by what is sent: nothing ever leaves.
contract GrowingToken is PlainToken(6) {
    function _move(address from, address to, uint256 amount) internal override {
        _balances[from] += amount;
        _balances[to] += amount;
    }
}

contract WeirdTokensTest is WalletTest {
    function test_token_without_decimals_worth_mentioning_is_paid() public {
        _paysAndWithdraws(address(new PlainToken(0)), 3, 100);
    }

    function test_token_of_thirty_decimals_is_paid() public {
        _paysAndWithdraws(address(new PlainToken(30)), 3e30, 5000e30);
    }

    function test_token_that_returns_nothing_is_paid() public {
        _paysAndWithdraws(address(new SilentToken()), 3e6, 100e6);
    }

    function test_token_that_returns_false_is_refused() public {
        address token = _registered(address(new FalseToken()), 100e6);
        bytes memory reason = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        _payRefused(token, 1, reason);
        _batchRefused(token, reason);
        _withdrawRefused(token, 1, reason);
    }

    function test_token_that_reverts_is_refused_with_its_reason() public {
        address token = _registered(address(new RevertingToken()), 100e6);
        bytes memory reason = abi.encodeWithSelector(RevertingToken.Frozen.selector);
        _payRefused(token, 1, reason);
        _batchRefused(token, reason);
        _withdrawRefused(token, 1, reason);
    }

    function test_token_that_only_says_it_moved_is_refused() public {
        address token = _registered(address(new LyingToken()), 100e6);
        _payRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 0));
        _batchRefused(token, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 3, 0));
        _withdrawRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 0));
        _withdrawRefused(token, 1, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 1, 0));
    }

    function test_token_that_gives_instead_of_taking_is_refused() public {
        address token = _registered(address(new GrowingToken()), 100e6);
        _payRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 0));
    }

    function test_token_that_takes_more_than_asked_is_refused() public {
        FeeToken fees = new FeeToken();
        fees.setFees(1, 0, address(0));
        address token = _registered(address(fees), 100e6);
        _payRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 6));
        _batchRefused(token, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 3, 5));
        _withdrawRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 6));
    }

    function test_token_that_takes_its_fee_from_the_payee_counts_what_left() public {
        FeeToken fees = new FeeToken();
        fees.setFees(0, 1, address(0));
        address token = _registered(address(fees), 100e6);
        pay(token, payee, 5);
        vm.assertEq(fees.balanceOf(payee), 4);
        vm.assertEq(wallet.counted(token, DAY), 5);
    }

    function test_rebased_token_is_withdrawn_and_the_truth_is_told() public {
        RebasingToken rebasing = new RebasingToken();
        address token = _registered(address(rebasing), 101);
        rebasing.rebase(150);
        vm.prank(owner);
        uint256 moved = wallet.withdraw(token, owner, 100);
        vm.assertEq(moved, 151 - rebasing.balanceOf(address(wallet)));
        vm.assertLe(moved, 100);
        vm.assertGt(moved, 0);
    }

    function test_rebased_token_of_which_a_unit_less_would_move_is_refused() public {
        RebasingToken rebasing = new RebasingToken();
        address token = _registered(address(rebasing), 101);
        rebasing.rebase(150);
        _payRefused(token, 100, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 100, 99));
        vm.assertEq(wallet.counted(token, DAY), 0);
        pay(token, payee, 99);
        vm.assertEq(wallet.counted(token, DAY), 99);
    }

    function test_token_that_blocks_the_payee_or_the_wallet_is_refused_with_its_reason() public {
        BlocklistToken blocking = new BlocklistToken();
        address token = _registered(address(blocking), 100e6);
        blocking.block_(payee, true);
        _payRefused(token, 1, abi.encodeWithSelector(BlocklistToken.Blocked.selector, payee));
        _batchRefused(token, abi.encodeWithSelector(BlocklistToken.Blocked.selector, payee));
        blocking.block_(address(wallet), true);
        _withdrawRefused(token, 1, abi.encodeWithSelector(BlocklistToken.Blocked.selector, address(wallet)));
    }

    function test_usdc_that_blocks_the_wallet_is_refused_and_its_reservation_is_given_back() public {
        IAgentWallet.Authorization memory a = authorization(5e6, NOON + 60, "n");
        reserve(a);
        usdc.blacklist(address(wallet));
        vm.expectRevert(bytes("Blacklistable: account is blacklisted"));
        use(a);
        vm.warp(NOON + 60);
        wallet.release(list(a));
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_token_with_the_domain_of_another_cannot_get_its_money() public {
        ImpostorToken impostor = new ImpostorToken(usdc.DOMAIN_SEPARATOR());
        _registered(address(impostor), 100e6);
        IAgentWallet.Authorization memory a = authorization(20e6, NOON + 60, "n");
        a.token = address(impostor);
        bytes32 own = reserve(a);
        a.token = address(usdc);
        vm.assertNotEq(wallet.authorizationDigest(a), own);
        vm.expectRevert(bytes("FiatTokenV2: invalid signature"));
        use(a);
        bytes memory signed = _with(a, address(impostor));
        vm.expectRevert(bytes("FiatTokenV2: invalid signature"));
        usdc.transferWithAuthorization(address(wallet), payee, 20e6, 0, NOON + 60, "n", signed);
    }

    // Reentrancy ---------------------------------------------------------------------------------------------------

    function test_payment_inside_a_payment_of_the_same_token_undoes_both() public {
        (HookToken hooked, address token) = _hooked();
        hooked.arm(address(this), abi.encodeCall(this.payMore, (token, 1)));
        _payRefused(token, 5, abi.encodeWithSelector(IAgentWallet.AmountNotMoved.selector, token, 5, 6));
        vm.assertEq(wallet.counted(token, DAY), 0);
    }

    function test_payment_inside_a_payment_of_another_token_counts() public {
        (HookToken hooked, address token) = _hooked();
        hooked.arm(address(this), abi.encodeCall(this.payMore, (address(usdc), 7)));
        pay(token, payee, 5);
        vm.assertTrue(hooked.succeeded());
        vm.assertEq(wallet.counted(address(usdc), DAY), 7);
    }

    function test_payee_that_calls_back_finds_its_payment_counted() public {
        CallingBack payeeAndOperator = new CallingBack(wallet);
        vm.prank(owner);
        wallet.setOperator(address(payeeAndOperator), true);
        vm.prank(owner);
        wallet.setPayee(address(payeeAndOperator), true);
        pay(address(0), address(payeeAndOperator), 1 ether);
        vm.assertEq(address(payeeAndOperator).balance, 3 ether);
        vm.assertEq(wallet.counted(address(0), DAY), 3 ether);
    }

    function test_withdrawal_cannot_be_called_from_inside() public {
        (HookToken hooked, address token) = _hooked();
        hooked.arm(address(wallet), abi.encodeCall(wallet.withdraw, (token, anybody, 1)));
        pay(token, payee, 5);
        vm.assertFalse(hooked.succeeded());
        vm.assertEq(hooked.answer(), abi.encodeWithSelector(IAgentWallet.NotOwner.selector, token));
    }

    /// @notice What the token calls back: this test is an operator too.
    function payMore(address token, uint256 amount) external {
        wallet.executePayment(token, payee, amount, REF);
    }

    function _hooked() private returns (HookToken hooked, address token) {
        hooked = new HookToken();
        token = _registered(address(hooked), 100e6);
        vm.prank(owner);
        wallet.setOperator(address(this), true);
    }

    function _with(IAgentWallet.Authorization memory a, address token) private pure returns (bytes memory) {
        a.token = token;
        return abi.encode(a);
    }

    function _registered(address token, uint256 balance) private returns (address) {
        IAgentWallet.TokenLimit memory limit = IAgentWallet.TokenLimit(token, 5e33, 5e33, 5e33, USDC_NAME, USDC_VERSION);
        vm.prank(owner);
        wallet.setLimit(limit);
        PlainToken(token).mint(address(wallet), balance);
        return token;
    }

    function _paysAndWithdraws(address token, uint256 amount, uint256 balance) private {
        _registered(token, balance);
        pay(token, payee, amount);
        vm.prank(operator);
        wallet.payBatch(token, shares(payee, amount, amount), REF);
        vm.assertEq(PlainToken(token).balanceOf(payee), 3 * amount);
        vm.assertEq(wallet.counted(token, DAY), 3 * amount);
        vm.prank(owner);
        vm.assertEq(wallet.withdraw(token, owner, balance - 3 * amount), balance - 3 * amount);
        vm.assertEq(PlainToken(token).balanceOf(owner), balance - 3 * amount);
    }

    function _payRefused(address token, uint256 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        pay(token, payee, amount);
    }

    function _batchRefused(address token, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(operator);
        wallet.payBatch(token, shares(payee, 1, 2), REF);
    }

    function _withdrawRefused(address token, uint256 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(owner);
        wallet.withdraw(token, owner, amount);
    }
}

/// @notice A payee that is an operator and pays itself again and again while it is being paid.
contract CallingBack {
    IAgentWallet private immutable _WALLET;

    constructor(IAgentWallet wallet) {
        _WALLET = wallet;
    }

    receive() external payable {
        if (_WALLET.remainingToday(address(0)) > 0) {
            _WALLET.executePayment(address(0), address(this), 1 ether, "again");
        }
    }
}
