// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";

/// @notice Takes coin, or refuses it, or answers with more than anybody wants to copy.
contract CoinTaker {
    uint256 public answer;
    bool public refuses;

    function set(bool refuses_, uint256 answer_) external {
        (refuses, answer) = (refuses_, answer_);
    }

    receive() external payable {
        require(!refuses, "no");
        uint256 size = answer;
        assembly {
            return(0, size)
        }
    }
}

contract PaymentsTest is WalletTest {
    address private constant COIN = address(0);

    function test_payment_moves_the_wallets_own_money_and_counts() public {
        uint256 before = usdc.balanceOf(operator);
        pay(address(usdc), payee, 20e6);
        vm.assertEq(usdc.balanceOf(payee), 20e6);
        vm.assertEq(usdc.balanceOf(address(wallet)), 980e6);
        vm.assertEq(usdc.balanceOf(operator), before);
        vm.assertEq(wallet.counted(address(usdc), DAY), 20e6);
        vm.assertEq(wallet.remainingToday(address(usdc)), 80e6);
    }

    function test_payment_emits_after_the_change() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Paid(address(usdc), payee, 20e6, operator, REF);
        pay(address(usdc), payee, 20e6);
    }

    function test_payment_of_coin_moves_and_counts() public {
        pay(COIN, payee, 1 ether);
        vm.assertEq(payee.balance, 1 ether);
        vm.assertEq(wallet.remainingToday(COIN), 2 ether);
    }

    function test_payment_is_refused_when_the_caller_is_no_operator() public {
        address[3] memory others = [owner, guardian, anybody];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, others[i]));
            vm.prank(others[i]);
            wallet.executePayment(address(usdc), payee, 1, REF);
        }
    }

    function test_payment_is_refused_while_paused() public {
        vm.prank(guardian);
        wallet.pause();
        vm.expectRevert(IAgentWallet.WalletPaused.selector);
        pay(address(usdc), payee, 1);
    }

    function test_payment_is_refused_to_unlisted_payees() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody));
        pay(address(usdc), anybody, 1);
    }

    function test_payment_goes_to_anybody_when_the_list_is_off() public {
        vm.prank(owner);
        wallet.setPayeesOnly(false);
        pay(address(usdc), anybody, 1);
        vm.assertEq(usdc.balanceOf(anybody), 1);
    }

    function test_payment_is_refused_to_nobody_and_to_the_wallet_itself() public {
        vm.prank(owner);
        wallet.setPayeesOnly(false);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, address(0)));
        pay(COIN, address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, address(wallet)));
        pay(COIN, address(wallet), 1);
    }

    function test_payment_is_refused_in_a_token_without_a_limit() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenNotAllowed.selector, anybody));
        pay(anybody, payee, 0);
    }

    function test_payment_is_refused_above_the_maximum_of_a_payment() public {
        uint256 much = PER_PAYMENT + 1;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerPayment.selector, address(usdc), much, PER_PAYMENT));
        pay(address(usdc), payee, much);
    }

    function test_payment_is_refused_above_the_threshold() public {
        uint256 much = APPROVAL_ABOVE + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.ApprovalRequired.selector, address(usdc), much, APPROVAL_ABOVE)
        );
        pay(address(usdc), payee, much);
    }

    function test_payment_at_the_threshold_is_made() public {
        pay(address(usdc), payee, APPROVAL_ABOVE);
        vm.assertEq(usdc.balanceOf(payee), APPROVAL_ABOVE);
    }

    function test_payments_reach_the_days_limit_and_not_one_unit_more() public {
        for (uint256 i = 0; i < 4; ++i) {
            pay(address(usdc), payee, 25e6);
        }
        vm.assertEq(wallet.remainingToday(address(usdc)), 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 1, 0, DAY));
        pay(address(usdc), payee, 1);
    }

    function test_limit_holds_for_all_operators_together() public {
        vm.prank(owner);
        wallet.setOperator(anybody, true);
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(i % 2 == 0 ? operator : anybody);
            wallet.executePayment(address(usdc), payee, 25e6, REF);
        }
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 1, 0, DAY));
        vm.prank(anybody);
        wallet.executePayment(address(usdc), payee, 1, REF);
    }

    function test_limits_of_tokens_are_apart() public {
        for (uint256 i = 0; i < 4; ++i) {
            pay(address(usdc), payee, 25e6);
        }
        pay(COIN, payee, 1 ether);
        vm.assertEq(wallet.remainingToday(COIN), 2 ether);
    }

    function test_limit_is_whole_again_at_midnight_and_not_before() public {
        pay(address(usdc), payee, 25e6);
        vm.warp((DAY + 1) * 1 days - 1);
        vm.assertEq(wallet.remainingToday(address(usdc)), 75e6);
        vm.warp((DAY + 1) * 1 days);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
        pay(address(usdc), payee, 10e6);
        vm.assertEq(wallet.remainingToday(address(usdc)), 90e6);
        vm.assertEq(wallet.counted(address(usdc), DAY), 0);
        vm.assertEq(wallet.counted(address(usdc), DAY + 2), 0);
    }

    function test_lowered_limit_leaves_nothing_when_more_is_counted() public {
        pay(address(usdc), payee, 25e6);
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = 20e6;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertEq(wallet.remainingToday(address(usdc)), 0);
        vm.assertEq(wallet.counted(address(usdc), DAY), 25e6);
    }

    function test_count_survives_removing_and_adding_the_token() public {
        pay(address(usdc), payee, 25e6);
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = 0;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenNotAllowed.selector, address(usdc)));
        pay(address(usdc), payee, 0);
        vm.prank(owner);
        wallet.setLimit(limitOf(address(usdc)));
        vm.assertEq(wallet.remainingToday(address(usdc)), 75e6);
    }

    function test_payment_of_coin_is_refused_when_the_payee_refuses() public {
        CoinTaker taker = _taker(true, 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NativeTransferFailed.selector, address(taker), 1));
        pay(COIN, address(taker), 1);
        vm.assertEq(wallet.remainingToday(COIN), 3 ether);
    }

    function test_payment_of_coin_does_not_copy_what_the_payee_returns() public {
        CoinTaker taker = _taker(false, 0);
        uint256 plain = _gasOfPaying(address(taker));
        taker.set(false, 1 << 16);
        uint256 bomb = _gasOfPaying(address(taker));
        vm.assertLt(bomb, plain + 20_000, "only the payee's own memory");
    }

    function test_payment_of_coin_is_refused_when_the_wallet_has_too_little() public {
        vm.deal(address(wallet), 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NativeTransferFailed.selector, payee, 2));
        pay(COIN, payee, 2);
    }

    function test_payment_is_refused_when_the_wallet_has_too_little() public {
        vm.prank(owner);
        wallet.withdraw(address(usdc), owner, 1000e6);
        vm.expectRevert(bytes("ERC20: transfer amount exceeds balance"));
        pay(address(usdc), payee, 1);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_wallet_takes_coin_from_anybody() public {
        vm.deal(anybody, 1);
        vm.prank(anybody);
        (bool done,) = address(wallet).call{value: 1}("");
        vm.assertTrue(done);
        vm.assertEq(address(wallet).balance, 10 ether + 1);
    }

    function test_fuzz_payment_is_made_exactly_when_every_rule_allows_it(uint256 spent, uint256 amount) public {
        spent = bound(spent, 0, APPROVAL_ABOVE);
        amount = bound(amount, 0, PER_DAY + 1);
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = APPROVAL_ABOVE + 10e6;
        vm.prank(owner);
        wallet.setLimit(limit);
        pay(address(usdc), payee, spent);
        bool allowed = amount <= APPROVAL_ABOVE && spent + amount <= limit.perDay;
        vm.prank(operator);
        (bool done,) = address(wallet).call(abi.encodeCall(wallet.executePayment, (address(usdc), payee, amount, REF)));
        vm.assertEq(done, allowed);
        vm.assertEq(usdc.balanceOf(payee), allowed ? spent + amount : spent);
    }

    // Batches ------------------------------------------------------------------------------------------------------

    function test_batch_pays_everybody_and_counts_once() public {
        vm.prank(owner);
        wallet.setPayee(anybody, true);
        IAgentWallet.Share[] memory both = shares(payee, 10e6, 5e6);
        both[1].payee = anybody;
        vm.expectEmit(address(wallet));
        emit IAgentWallet.BatchPaid(address(usdc), 15e6, both, operator, REF);
        vm.prank(operator);
        wallet.payBatch(address(usdc), both, REF);
        vm.assertEq(usdc.balanceOf(payee), 10e6);
        vm.assertEq(usdc.balanceOf(anybody), 5e6);
        vm.assertEq(wallet.counted(address(usdc), DAY), 15e6);
    }

    function test_batch_of_coin_pays_everybody() public {
        vm.prank(operator);
        wallet.payBatch(COIN, shares(payee, 1, 2), REF);
        vm.assertEq(payee.balance, 3);
        vm.assertEq(wallet.counted(COIN, DAY), 3);
    }

    function test_batch_is_refused_when_empty() public {
        vm.expectRevert(IAgentWallet.EmptyBatch.selector);
        vm.prank(operator);
        wallet.payBatch(address(usdc), new IAgentWallet.Share[](0), REF);
    }

    function test_batch_is_refused_when_its_total_is_above_the_threshold() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.ApprovalRequired.selector, address(usdc), 26e6, APPROVAL_ABOVE)
        );
        vm.prank(operator);
        wallet.payBatch(address(usdc), shares(payee, 13e6, 13e6), REF);
    }

    function test_batch_is_refused_when_a_share_is_above_the_maximum_of_a_payment() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perPayment = 10e6;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerPayment.selector, address(usdc), 11e6, 10e6));
        vm.prank(operator);
        wallet.payBatch(address(usdc), shares(payee, 10e6, 11e6), REF);
    }

    function test_batch_is_refused_above_the_days_limit() public {
        for (uint256 i = 0; i < 4; ++i) {
            pay(address(usdc), payee, 20e6);
        }
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 21e6, 20e6, DAY));
        vm.prank(operator);
        wallet.payBatch(address(usdc), shares(payee, 20e6, 1e6), REF);
    }

    function test_batch_is_refused_when_one_payee_is_unlisted() public {
        IAgentWallet.Share[] memory both = shares(payee, 1, 1);
        both[1].payee = anybody;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody));
        vm.prank(operator);
        wallet.payBatch(address(usdc), both, REF);
    }

    function test_batch_is_refused_while_paused_and_without_a_limit_and_to_others() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenNotAllowed.selector, anybody));
        vm.prank(operator);
        wallet.payBatch(anybody, shares(payee, 0, 0), REF);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, owner));
        vm.prank(owner);
        wallet.payBatch(address(usdc), shares(payee, 0, 0), REF);
        vm.prank(owner);
        wallet.pause();
        vm.expectRevert(IAgentWallet.WalletPaused.selector);
        vm.prank(operator);
        wallet.payBatch(address(usdc), shares(payee, 0, 0), REF);
    }

    // Withdraw -----------------------------------------------------------------------------------------------------

    function test_withdraw_moves_the_money_beyond_every_limit() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Withdrawn(address(usdc), owner, 1000e6, 1000e6);
        vm.prank(owner);
        vm.assertEq(wallet.withdraw(address(usdc), owner, 1000e6), 1000e6);
        vm.assertEq(usdc.balanceOf(owner), 1000e6);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_withdraw_moves_coin_also_while_paused() public {
        vm.prank(guardian);
        wallet.pause();
        vm.prank(owner);
        vm.assertEq(wallet.withdraw(COIN, anybody, 10 ether), 10 ether);
        vm.assertEq(anybody.balance, 10 ether);
    }

    function test_withdraw_is_refused_to_everybody_else() public {
        address[3] memory others = [operator, guardian, anybody];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOwner.selector, others[i]));
            vm.prank(others[i]);
            wallet.withdraw(address(usdc), others[i], 1);
        }
    }

    function test_withdraw_is_refused_to_nobody_and_to_the_wallet_itself() public {
        address[2] memory wrong = [address(0), address(wallet)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, wrong[i]));
            vm.prank(owner);
            wallet.withdraw(COIN, wrong[i], 1);
        }
    }

    function test_withdraw_of_coin_is_refused_when_the_receiver_refuses() public {
        CoinTaker taker = _taker(true, 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NativeTransferFailed.selector, address(taker), 1));
        vm.prank(owner);
        wallet.withdraw(COIN, address(taker), 1);
    }

    function test_withdraw_of_nothing_moves_nothing() public {
        vm.prank(owner);
        vm.assertEq(wallet.withdraw(address(usdc), owner, 0), 0);
    }

    function _taker(bool refuses, uint256 answer) private returns (CoinTaker taker) {
        taker = new CoinTaker();
        taker.set(refuses, answer);
        vm.prank(owner);
        wallet.setPayee(address(taker), true);
    }

    function _gasOfPaying(address to) private returns (uint256) {
        uint256 before = gasleft();
        pay(COIN, to, 1);
        return before - gasleft();
    }
}
