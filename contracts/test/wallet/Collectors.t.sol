// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {WalletTest} from "../support/WalletTest.sol";

/// @notice The wallet and the real PaymentRouter.
contract CollectorsTest is WalletTest {
    PaymentRouter private router;
    IPaymentRouter.Terms private terms;

    function setUp() public override {
        super.setUp();
        router = new PaymentRouter();
        vm.prank(owner);
        wallet.setCollector(address(router), true);
        terms = IPaymentRouter.Terms(address(usdc), payee, 20e6, 1000e6, uint40(NOON), 1 hours, true, "");
    }

    function test_subscription_is_charged_by_anybody_and_counts() public {
        _subscribe();
        vm.prank(anybody);
        router.charge(address(wallet), terms);
        vm.assertEq(usdc.balanceOf(payee), 20e6);
        vm.assertEq(wallet.counted(address(usdc), DAY), 20e6);
        vm.assertEq(usdc.balanceOf(address(router)), 0);
    }

    function test_subscription_stops_at_the_days_limit() public {
        _subscribe();
        for (uint256 i = 0; i < 5; ++i) {
            router.charge(address(wallet), terms);
            vm.warp(block.timestamp + 1 hours);
        }
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 20e6, 0, DAY));
        router.charge(address(wallet), terms);
    }

    function test_service_is_paid_through_the_router_and_counts() public {
        IPaymentRouter.ServicePayment memory payment =
            IPaymentRouter.ServicePayment(address(usdc), payee, 3e6, "service", operator, "task", 1, "request");
        vm.prank(operator);
        bytes memory result =
            wallet.callCollector(address(router), abi.encodeCall(router.payForServiceFromSource, (payment)));
        vm.assertEq(abi.decode(result, (bytes32)), router.requestId(address(wallet), payment));
        vm.assertEq(usdc.balanceOf(payee), 3e6);
        vm.assertEq(wallet.counted(address(usdc), DAY), 3e6);
    }

    function test_owner_cancels_a_subscription_of_the_wallet() public {
        _subscribe();
        vm.prank(owner);
        wallet.callCollector(address(router), abi.encodeCall(router.cancel, (terms)));
        vm.expectRevert();
        router.charge(address(wallet), terms);
    }

    function test_collecting_obeys_the_rules_of_payments() public {
        _collectRefused(
            payee,
            PER_PAYMENT + 1,
            abi.encodeWithSelector(IAgentWallet.AbovePerPayment.selector, address(usdc), PER_PAYMENT + 1, PER_PAYMENT)
        );
        _collectRefused(
            payee,
            APPROVAL_ABOVE + 1,
            abi.encodeWithSelector(
                IAgentWallet.ApprovalRequired.selector, address(usdc), APPROVAL_ABOVE + 1, APPROVAL_ABOVE
            )
        );
        _collectRefused(anybody, 1, abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody));
        vm.prank(guardian);
        wallet.pause();
        _collectRefused(payee, 1, abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
    }

    function test_collecting_is_told_with_payee_and_collector_and_pays_the_collector() public {
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Paid(address(usdc), payee, 1, address(router), REF);
        vm.prank(address(router));
        wallet.collect(address(usdc), payee, 1, REF);
        vm.assertEq(usdc.balanceOf(address(router)), 1);
        vm.assertEq(usdc.balanceOf(payee), 0);
    }

    function test_collecting_is_refused_to_everybody_but_collectors() public {
        address[3] memory others = [owner, operator, anybody];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotCollector.selector, others[i]));
            vm.prank(others[i]);
            wallet.collect(address(usdc), payee, 1, REF);
        }
        vm.prank(owner);
        wallet.setCollector(address(router), false);
        _collectRefused(payee, 1, abi.encodeWithSelector(IAgentWallet.NotCollector.selector, address(router)));
    }

    function test_calling_is_refused_to_others_while_paused_and_for_other_targets() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, anybody));
        vm.prank(anybody);
        wallet.callCollector(address(router), "");
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotCollector.selector, address(usdc)));
        vm.prank(operator);
        wallet.callCollector(address(usdc), abi.encodeCall(usdc.transfer, (anybody, 1)));
        vm.prank(guardian);
        wallet.pause();
        vm.expectRevert(IAgentWallet.WalletPaused.selector);
        vm.prank(operator);
        wallet.callCollector(address(router), "");
    }

    function test_calling_passes_the_collectors_reason_on() public {
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, router.subscriptionId(address(wallet), terms))
        );
        vm.prank(operator);
        wallet.callCollector(address(router), abi.encodeCall(router.cancel, (terms)));
    }

    function _subscribe() private {
        vm.prank(operator);
        wallet.callCollector(address(router), abi.encodeCall(router.subscribe, (terms)));
    }

    function _collectRefused(address to, uint256 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(address(router));
        wallet.collect(address(usdc), to, amount, REF);
    }
}
