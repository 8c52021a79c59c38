// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";

/// @notice Each operator has the wallet's state in a slot of its own: here nobody is left behind by a change, and nobody brings an old state back.
contract OperatorsTest is WalletTest {
    uint256 private constant MOST = 16;

    uint256[] private keys;
    address[] private all;
    address private collector = address(new Collecting());

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < MOST; ++i) {
            (address who, uint256 key) = account(string.concat("operator ", vm.toString(i)));
            all.push(who);
            keys.push(key);
        }
        vm.startPrank(owner);
        wallet.setCollector(collector, true);
        wallet.setOperator(operator, false);
        for (uint256 i = 0; i < MOST; ++i) {
            wallet.setOperator(all[i], true);
        }
        vm.stopPrank();
    }

    function test_every_operator_pays_and_none_after_a_pause_until_it_ends() public {
        for (uint256 i = 0; i < MOST; ++i) {
            _pays(all[i], payee);
        }
        _pause();
        for (uint256 i = 0; i < MOST; ++i) {
            _refusedPayment(all[i], payee, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
        }
        vm.prank(owner);
        wallet.unpause();
        for (uint256 i = 0; i < MOST; ++i) {
            _pays(all[i], payee);
        }
    }

    function test_paused_wallet_lets_nothing_out_but_the_owners_withdrawal() public {
        IAgentWallet.Authorization[] memory authorizations = list(authorization(1, NOON + 60, "n"));
        bytes memory signed = signature(keys[MOST - 1], wallet.reserveDigest(authorizations));
        _pause();
        bytes[5] memory calls = [
            abi.encodeCall(wallet.executePayment, (address(usdc), payee, 1, REF)),
            abi.encodeCall(wallet.payBatch, (address(usdc), shares(payee, 1, 1), REF)),
            abi.encodeCall(
                wallet.executeApprovedPayment, (address(usdc), payee, 1, REF, "n", NOON, new IAgentWallet.Approval[](0))
            ),
            abi.encodeCall(wallet.callCollector, (collector, "")),
            abi.encodeCall(wallet.reserve, (authorizations))
        ];
        for (uint256 i = 0; i < calls.length * MOST; ++i) {
            _refused(all[i % MOST], calls[i / MOST]);
        }
        _refused(owner, calls[3]);
        _refused(collector, abi.encodeCall(wallet.collect, (address(usdc), payee, 1, REF)));
        _refused(anybody, abi.encodeCall(wallet.reserveSigned, (authorizations, all[MOST - 1], signed)));
        vm.prank(owner);
        wallet.withdraw(address(usdc), owner, 1000e6);
        vm.assertEq(usdc.balanceOf(owner), 1000e6);
    }

    function test_paused_wallet_confirms_no_operators_reservation() public {
        for (uint256 i = 0; i < MOST; ++i) {
            vm.prank(all[i]);
            wallet.reserve(list(_authorization(i)));
            vm.assertTrue(confirms(_authorization(i)));
        }
        _pause();
        for (uint256 i = 0; i < MOST; ++i) {
            vm.assertFalse(confirms(_authorization(i)));
        }
        vm.prank(owner);
        wallet.unpause();
        for (uint256 i = 0; i < MOST; ++i) {
            vm.assertTrue(confirms(_authorization(i)));
        }
    }

    function test_operator_that_is_added_while_paused_is_paused() public {
        _set(all[0], false);
        _pause();
        _set(operator, true);
        vm.assertTrue(wallet.isOperator(operator));
        _refusedPayment(operator, payee, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
        vm.prank(owner);
        wallet.unpause();
        _pays(operator, payee);
    }

    function test_operator_that_was_away_comes_back_paused_when_the_wallet_is() public {
        _set(all[3], false);
        _pause();
        _refusedPayment(all[3], payee, abi.encodeWithSelector(IAgentWallet.NotOperator.selector, all[3]));
        _set(all[3], true);
        _refusedPayment(all[3], payee, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
    }

    function test_operator_that_was_removed_while_paused_comes_back_running() public {
        _pause();
        _set(all[3], false);
        vm.prank(owner);
        wallet.unpause();
        _refusedPayment(all[3], payee, abi.encodeWithSelector(IAgentWallet.NotOperator.selector, all[3]));
        _set(all[3], true);
        _pays(all[3], payee);
    }

    function test_operator_that_is_added_again_while_paused_stays_paused() public {
        _pause();
        _set(all[3], true);
        _refusedPayment(all[3], payee, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
    }

    function test_list_of_payees_binds_every_operator_as_the_owner_last_said() public {
        _set(all[3], false);
        _payeesOnly(false);
        _set(all[3], true);
        for (uint256 i = 0; i < MOST; ++i) {
            _pays(all[i], anybody);
        }
        _set(all[3], false);
        _payeesOnly(true);
        _set(all[3], true);
        bytes memory reason = abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody);
        for (uint256 i = 0; i < MOST; ++i) {
            _refusedPayment(all[i], anybody, reason);
        }
        vm.expectRevert(reason);
        vm.prank(collector);
        wallet.collect(address(usdc), anybody, 1, REF);
    }

    function test_number_of_approvals_binds_every_operator_as_the_owner_last_said() public {
        _set(all[3], false);
        vm.prank(owner);
        wallet.setApprovers(approverList, 3);
        _set(all[3], true);
        for (uint256 i = 0; i < MOST; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.ApprovalsMissing.selector, 0, 3));
            vm.prank(all[i]);
            wallet.executeApprovedPayment(address(usdc), payee, 1, REF, "n", NOON, new IAgentWallet.Approval[](0));
        }
    }

    function test_pause_changes_neither_the_list_of_payees_nor_the_approvals() public {
        _pause();
        vm.prank(owner);
        wallet.unpause();
        vm.assertTrue(wallet.payeesOnly());
        (, uint256 needed) = wallet.approvers();
        vm.assertEq(needed, 2);
        _payeesOnly(false);
        vm.assertFalse(wallet.paused());
        (, needed) = wallet.approvers();
        vm.assertEq(needed, 2);
    }

    function test_settings_that_change_while_paused_leave_the_wallet_paused() public {
        _pause();
        _payeesOnly(false);
        vm.prank(owner);
        wallet.setApprovers(approverList, 1);
        vm.assertTrue(wallet.paused());
        for (uint256 i = 0; i < MOST; ++i) {
            _refusedPayment(all[i], payee, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
        }
    }

    function test_operators_beyond_sixteen_are_refused_until_one_leaves() public {
        vm.assertEq(wallet.operators(), all);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TooManyOperators.selector, MOST));
        _set(operator, true);
        vm.assertFalse(wallet.isOperator(operator));
        _set(all[5], true);
        _set(all[5], false);
        _set(operator, true);
        _pays(operator, payee);
    }

    function test_configuration_with_more_than_sixteen_operators_is_refused() public {
        IAgentWallet.Configuration memory config = configuration();
        config.operators = new address[](MOST + 1);
        for (uint256 i = 0; i < MOST; ++i) {
            config.operators[i] = all[i];
        }
        config.operators[MOST] = operator;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TooManyOperators.selector, MOST));
        vm.prank(owner);
        factory.deploy(owner, "other", config, "");
        config.operators[MOST] = all[0];
        vm.prank(owner);
        factory.deploy(owner, "other", config, "");
    }

    function _authorization(uint256 i) private view returns (IAgentWallet.Authorization memory) {
        return authorization(1, NOON + 60, bytes32(i));
    }

    function _pause() private {
        vm.prank(guardian);
        wallet.pause();
    }

    function _set(address who, bool enabled) private {
        vm.prank(owner);
        wallet.setOperator(who, enabled);
    }

    function _payeesOnly(bool only) private {
        vm.prank(owner);
        wallet.setPayeesOnly(only);
    }

    function _pays(address by, address to) private {
        uint256 before = usdc.balanceOf(to);
        vm.prank(by);
        wallet.executePayment(address(usdc), to, 1, REF);
        vm.assertEq(usdc.balanceOf(to), before + 1);
    }

    function _refusedPayment(address by, address to, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(by);
        wallet.executePayment(address(usdc), to, 1, REF);
    }

    function _refused(address by, bytes memory data) private {
        vm.prank(by);
        (bool done, bytes memory result) = address(wallet).call(data);
        vm.assertFalse(done);
        vm.assertEq(result, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
    }
}

contract Collecting {}
