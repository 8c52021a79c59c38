// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentWallet} from "../../src/AgentWallet.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {Vm} from "../support/Vm.sol";

/// @notice Everything that changes what operators may do, in any order. It keeps its own books, and more keys than a wallet takes operators.
contract OperatorsHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 public constant KEYS = 18;
    uint256 public constant MOST = 16;

    AgentWallet private immutable _wallet;
    address private immutable _owner;
    address private immutable _guardian;
    address private immutable _token;
    address private immutable _payee;

    mapping(address key => bool) public enabled;
    uint256 public count;
    bool public paused;
    bool public payeesOnly = true;
    uint256 public approvals = 2;
    address[] private _approvers;
    IAgentWallet.Authorization[] private _authorizations;
    mapping(bytes32 nonce => address) public reservedBy;
    bool public boundBroken;

    constructor(AgentWallet wallet, address owner, address guardian, address token, address payee) {
        (_wallet, _owner, _guardian, _token, _payee) = (wallet, owner, guardian, token, payee);
        (_approvers,) = wallet.approvers();
    }

    function keyAt(uint256 index) public pure returns (address) {
        return address(uint160(0xA0000 + index % KEYS));
    }

    function authorizations() external view returns (IAgentWallet.Authorization[] memory) {
        return _authorizations;
    }

    /// @notice Twice in three times one more, so that the most is reached.
    function setOperator(uint256 which, uint256 on) external {
        address key = keyAt(which);
        bool wanted = on % 3 != 0;
        bool full = wanted && !enabled[key] && count == MOST;
        vm.prank(_owner);
        try _wallet.setOperator(key, wanted) {
            if (full) boundBroken = true;
            if (wanted && !enabled[key]) ++count;
            if (!wanted && enabled[key]) --count;
            enabled[key] = wanted;
        } catch {
            if (!full) boundBroken = true;
        }
    }

    function addMany(uint256 from) external {
        for (uint256 i = 0; i < 6; ++i) {
            this.setOperator(from % KEYS + i, 1);
        }
    }

    function pause(bool byGuardian) external {
        vm.prank(byGuardian ? _guardian : _owner);
        _wallet.pause();
        paused = true;
    }

    function unpause() external {
        vm.prank(_owner);
        _wallet.unpause();
        paused = false;
    }

    function setPayeesOnly(bool only) external {
        vm.prank(_owner);
        _wallet.setPayeesOnly(only);
        payeesOnly = only;
    }

    function setApprovals(uint256 needed) external {
        approvals = 1 + needed % 3;
        vm.prank(_owner);
        _wallet.setApprovers(_approvers, approvals);
    }

    /// @notice Reserve nothing of the token, which takes no room and so can be done without end.
    function reserve(uint256 by) external {
        IAgentWallet.Authorization[] memory one = new IAgentWallet.Authorization[](1);
        bytes32 nonce = bytes32(_authorizations.length);
        one[0] = IAgentWallet.Authorization(_token, _payee, 0, 0, block.timestamp + 600, nonce);
        vm.prank(keyAt(by));
        try _wallet.reserve(one) {
            _authorizations.push(one[0]);
            reservedBy[nonce] = keyAt(by);
        } catch {}
    }
}

/// forge-config: default.invariant.runs = 8
contract OperatorsInvariantTest is WalletTest {
    OperatorsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new OperatorsHandler(wallet, owner, guardian, address(usdc), payee);
        vm.prank(owner);
        wallet.setOperator(operator, false);
        target(address(handler));
    }

    function invariant_every_key_finds_the_wallet_as_it_is() public {
        for (uint256 i = 0; i < handler.KEYS(); ++i) {
            address key = handler.keyAt(i);
            vm.assertEq(wallet.isOperator(key), handler.enabled(key));
            _refusedAsItShouldBe(key);
        }
    }

    function invariant_reservation_is_confirmed_while_its_operator_may_pay_and_nothing_is_paused() public view {
        IAgentWallet.Authorization[] memory all = handler.authorizations();
        for (uint256 i = 0; i < all.length; ++i) {
            bool may = handler.enabled(handler.reservedBy(all[i].nonce)) && !handler.paused();
            vm.assertEq(confirms(all[i]), may);
        }
    }

    function invariant_there_are_never_more_than_sixteen_operators() public view {
        vm.assertFalse(handler.boundBroken());
        vm.assertEq(wallet.operators().length, handler.count());
        vm.assertLe(handler.count(), handler.MOST());
    }

    /// @notice The handler reaches the most, a pause, and a reservation that is confirmed: without this the invariants could hold because nothing happens.
    function test_handler_reaches_what_matters() public {
        for (uint256 i = 0; i < 3; ++i) {
            handler.addMany(6 * i);
        }
        vm.assertEq(handler.count(), handler.MOST());
        handler.reserve(1);
        vm.assertTrue(confirms(handler.authorizations()[0]));
        invariant_every_key_finds_the_wallet_as_it_is();
        handler.setPayeesOnly(false);
        handler.setApprovals(0);
        invariant_every_key_finds_the_wallet_as_it_is();
        handler.pause(true);
        invariant_every_key_finds_the_wallet_as_it_is();
        invariant_reservation_is_confirmed_while_its_operator_may_pay_and_nothing_is_paused();
        handler.setOperator(1, 0);
        handler.unpause();
        invariant_every_key_finds_the_wallet_as_it_is();
        invariant_reservation_is_confirmed_while_its_operator_may_pay_and_nothing_is_paused();
        invariant_there_are_never_more_than_sixteen_operators();
    }

    /// @dev A payment of nothing to somebody who is not listed, and one that lacks approvals, tell each part of what the key finds.
    function _refusedAsItShouldBe(address key) private {
        bytes memory payment = abi.encodeCall(wallet.executePayment, (address(usdc), anybody, 0, REF));
        bytes memory unlisted = abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody);
        _answers(key, payment, handler.payeesOnly() ? unlisted : bytes(""));
        bytes memory unsigned = abi.encodeCall(
            wallet.executeApprovedPayment,
            (address(usdc), payee, 0, REF, "n", block.timestamp, new IAgentWallet.Approval[](0))
        );
        _answers(key, unsigned, abi.encodeWithSelector(IAgentWallet.ApprovalsMissing.selector, 0, handler.approvals()));
    }

    function _answers(address key, bytes memory data, bytes memory whenItMay) private {
        bytes memory expected = whenItMay;
        if (handler.paused()) expected = abi.encodeWithSelector(IAgentWallet.WalletPaused.selector);
        if (!handler.enabled(key)) expected = abi.encodeWithSelector(IAgentWallet.NotOperator.selector, key);
        vm.prank(key);
        (bool done, bytes memory result) = address(wallet).call(data);
        vm.assertEq(result, expected);
        vm.assertEq(done, expected.length == 0);
    }
}
