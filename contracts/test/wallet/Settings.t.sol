// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {LimitTooHigh, TooManyDigits} from "../../src/libraries/Limit.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {Coinless} from "../router/Tokens.sol";

contract SettingsTest is WalletTest {
    function test_wallet_starts_as_configured() public view {
        vm.assertEq(wallet.owner(), owner);
        vm.assertEq(wallet.guardian(), guardian);
        vm.assertFalse(wallet.paused());
        vm.assertTrue(wallet.payeesOnly());
        vm.assertEq(wallet.operators(), one(operator));
        vm.assertEq(wallet.payees(), one(payee));
        vm.assertTrue(wallet.isPayee(payee));
        vm.assertFalse(wallet.isPayee(anybody));
        vm.assertEq(wallet.collectors(), new address[](0));
        (address[] memory accounts, uint256 needed) = wallet.approvers();
        vm.assertEq(accounts, approverList);
        vm.assertEq(needed, 2);
        vm.assertEq(wallet.tokens().length, 2);
        (uint256 day, uint256 payment, uint256 threshold) = wallet.limits(address(usdc));
        vm.assertEq(day, PER_DAY);
        vm.assertEq(payment, PER_PAYMENT);
        vm.assertEq(threshold, APPROVAL_ABOVE);
    }

    function test_owners_functions_are_refused_to_everybody_else() public {
        bytes[9] memory calls = [
            abi.encodeCall(wallet.setOperator, (anybody, true)),
            abi.encodeCall(wallet.setPayee, (anybody, true)),
            abi.encodeCall(wallet.setPayeesOnly, (false)),
            abi.encodeCall(wallet.setCollector, (anybody, true)),
            abi.encodeCall(wallet.setApprovers, (new address[](0), 0)),
            abi.encodeCall(wallet.setGuardian, (anybody)),
            abi.encodeCall(wallet.setLimit, (limitOf(address(usdc)))),
            abi.encodeCall(wallet.unpause, ()),
            abi.encodeCall(wallet.withdraw, (address(usdc), anybody, 1))
        ];
        address[3] memory others = [operator, guardian, anybody];
        for (uint256 i = 0; i < calls.length * 3; ++i) {
            vm.prank(others[i % 3]);
            (bool done, bytes memory result) = address(wallet).call(calls[i / 3]);
            vm.assertFalse(done);
            vm.assertEq(result, abi.encodeWithSelector(IAgentWallet.NotOwner.selector, others[i % 3]));
        }
    }

    function test_owner_and_guardian_pause_and_only_the_owner_unpauses() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Paused(guardian);
        vm.prank(guardian);
        wallet.pause();
        vm.assertTrue(wallet.paused());
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Unpaused(owner);
        vm.prank(owner);
        wallet.unpause();
        vm.assertFalse(wallet.paused());
        vm.prank(owner);
        wallet.pause();
        vm.assertTrue(wallet.paused());
    }

    function test_pause_is_refused_to_operators_and_others() public {
        address[2] memory others = [operator, anybody];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOwnerOrGuardian.selector, others[i]));
            vm.prank(others[i]);
            wallet.pause();
        }
    }

    function test_guardian_can_be_replaced_by_nobody() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.GuardianSet(address(0));
        vm.prank(owner);
        wallet.setGuardian(address(0));
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOwnerOrGuardian.selector, guardian));
        vm.prank(guardian);
        wallet.pause();
    }

    function test_operators_come_and_go_in_any_order() public {
        address second = named("second");
        vm.expectEmit(address(wallet));
        emit IAgentWallet.OperatorSet(second, true);
        _operator(second, true);
        vm.assertTrue(wallet.isOperator(operator) && wallet.isOperator(second));
        _operator(operator, false);
        vm.assertFalse(wallet.isOperator(operator));
        vm.assertTrue(wallet.isOperator(second));
        _operator(operator, true);
        _operator(second, false);
        vm.assertTrue(wallet.isOperator(operator));
        vm.assertFalse(wallet.isOperator(second));
        vm.assertEq(wallet.operators(), one(operator));
        _operator(second, false);
        vm.assertTrue(wallet.isOperator(operator));
    }

    function test_operator_that_is_added_twice_is_gone_after_one_removal() public {
        _operator(operator, true);
        _operator(operator, false);
        vm.assertFalse(wallet.isOperator(operator));
        vm.assertEq(wallet.operators().length, 0);
    }

    function test_nobody_is_never_an_operator() public {
        vm.assertFalse(wallet.isOperator(address(0)));
        _operator(operator, false);
        vm.assertFalse(wallet.isOperator(address(0)));
        vm.expectRevert(IAgentWallet.ZeroAddress.selector);
        _operator(address(0), true);
    }

    function test_removed_operator_can_no_longer_pay() public {
        _operator(operator, false);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, operator));
        pay(address(usdc), payee, 1);
    }

    function test_payees_come_and_go() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.PayeeSet(payee, false);
        vm.prank(owner);
        wallet.setPayee(payee, false);
        vm.assertFalse(wallet.isPayee(payee));
        vm.expectRevert(IAgentWallet.ZeroAddress.selector);
        vm.prank(owner);
        wallet.setPayee(address(0), true);
    }

    function test_payees_only_is_told() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.PayeesOnlySet(false);
        vm.prank(owner);
        wallet.setPayeesOnly(false);
        vm.assertFalse(wallet.payeesOnly());
    }

    function test_collectors_come_and_go() public {
        address collector = address(new Coinless());
        vm.expectEmit(address(wallet));
        emit IAgentWallet.CollectorSet(collector, true);
        vm.prank(owner);
        wallet.setCollector(collector, true);
        vm.assertEq(wallet.collectors(), one(collector));
        vm.prank(owner);
        wallet.setCollector(collector, false);
        vm.assertEq(wallet.collectors().length, 0);
    }

    function test_collector_is_refused_without_code_and_when_it_is_a_token() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NoCode.selector, anybody));
        vm.prank(owner);
        wallet.setCollector(anybody, true);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenAsCollector.selector, address(usdc)));
        vm.prank(owner);
        wallet.setCollector(address(usdc), true);
    }

    function test_token_is_refused_when_it_is_a_collector() public {
        address collector = address(new Coinless());
        vm.prank(owner);
        wallet.setCollector(collector, true);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenAsCollector.selector, collector));
        vm.prank(owner);
        wallet.setLimit(limitOf(collector));
    }

    function test_approvers_are_replaced_as_a_whole() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.ApproversSet(one(anybody), 1);
        vm.prank(owner);
        wallet.setApprovers(one(anybody), 1);
        (address[] memory accounts, uint256 needed) = wallet.approvers();
        vm.assertEq(accounts, one(anybody));
        vm.assertEq(needed, 1);
    }

    function test_approvers_are_refused_when_the_number_needed_cannot_be() public {
        _refusedApprovers(one(anybody), 2, 1);
        _refusedApprovers(one(anybody), 0, 1);
        _refusedApprovers(new address[](0), 1, 0);
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (anybody, anybody);
        _refusedApprovers(twice, 2, 1);
    }

    function test_limit_is_told_and_kept_exactly() public {
        IAgentWallet.TokenLimit memory limit = IAgentWallet.TokenLimit(address(0), 5e30, 4e12, 3, "", "");
        vm.expectEmit(address(wallet));
        emit IAgentWallet.LimitSet(address(0), 5e30, 4e12, 3);
        vm.expectEmit(address(wallet));
        emit IAgentWallet.DomainSet(address(0), "", "");
        vm.prank(owner);
        wallet.setLimit(limit);
        (uint256 day, uint256 payment, uint256 threshold) = wallet.limits(address(0));
        vm.assertEq(day, 5e30);
        vm.assertEq(payment, 4e12);
        vm.assertEq(threshold, 3);
    }

    function test_limit_is_refused_when_digits_would_be_lost_or_it_is_too_high() public {
        uint256 highest = (1 << 112) - 1;
        uint256 digits = (1 << 34) - 1;
        _refusedLimit(digits + 2, abi.encodeWithSelector(TooManyDigits.selector, digits + 2));
        _refusedLimit(highest, abi.encodeWithSelector(TooManyDigits.selector, highest));
        _refusedLimit(highest + 1, abi.encodeWithSelector(LimitTooHigh.selector, highest + 1));
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = digits;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertEq(wallet.remainingToday(address(usdc)), digits);
    }

    function test_limit_keeps_its_last_digit_when_a_payment_is_counted() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = PER_DAY + 1;
        vm.prank(owner);
        wallet.setLimit(limit);
        pay(address(usdc), payee, 3);
        (uint256 day,,) = wallet.limits(address(usdc));
        vm.assertEq(day, PER_DAY + 1);
        vm.assertEq(wallet.counted(address(usdc), DAY), 3);
    }

    function test_limit_of_zero_removes_the_token() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = 0;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertEq(wallet.tokens(), one(address(0)));
        vm.assertEq(wallet.remainingToday(address(usdc)), 0);
    }

    function test_limit_is_refused_for_a_token_without_code() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NoCode.selector, anybody));
        vm.prank(owner);
        wallet.setLimit(limitOf(anybody));
    }

    function test_domain_is_that_of_the_token_when_the_owner_registered_it_rightly() public view {
        vm.assertEq(wallet.domainSeparator(address(usdc)), usdc.DOMAIN_SEPARATOR());
    }

    function test_domain_is_absent_without_a_name_for_coin_and_on_another_chain() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(0));
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertEq(wallet.domainSeparator(address(0)), bytes32(0));
        vm.chainId(4242);
        vm.assertEq(wallet.domainSeparator(address(usdc)), bytes32(0));
        vm.chainId(31337);
        limit = limitOf(address(usdc));
        limit.name = "";
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertEq(wallet.domainSeparator(address(usdc)), bytes32(0));
    }

    function test_domain_takes_a_name_of_one_letter() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.name = "U";
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.assertNotEq(wallet.domainSeparator(address(usdc)), bytes32(0));
    }

    function test_eip712_domain_is_chain_and_wallet() public view {
        (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifier,
            bytes32 salt,
            uint256[] memory extensions
        ) = wallet.eip712Domain();
        vm.assertEq(bytes32(fields), bytes32(hex"0f"));
        vm.assertEq(name, "Paygent AgentWallet");
        vm.assertEq(version, "1");
        vm.assertEq(chainId, block.chainid);
        vm.assertEq(verifier, address(wallet));
        vm.assertEq(salt, bytes32(0));
        vm.assertEq(extensions, new uint256[](0));
    }

    function test_window_is_the_utc_day() public view {
        vm.assertEq(wallet.windowOf(0), 0);
        vm.assertEq(wallet.windowOf(1 days - 1), 0);
        vm.assertEq(wallet.windowOf(1 days), 1);
    }

    function _operator(address who, bool enabled) private {
        vm.prank(owner);
        wallet.setOperator(who, enabled);
    }

    function _refusedLimit(uint256 perDay, bytes memory reason) private {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = perDay;
        vm.expectRevert(reason);
        vm.prank(owner);
        wallet.setLimit(limit);
    }

    function _refusedApprovers(address[] memory accounts, uint256 needed, uint256 count) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TooFewApprovers.selector, needed, count));
        vm.prank(owner);
        wallet.setApprovers(accounts, needed);
    }
}
