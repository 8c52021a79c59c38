// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {ServiceRegistry} from "../../src/ServiceRegistry.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {WalletTest} from "../support/WalletTest.sol";

/// @notice An AgentWallet pays and subscribes through the router, within its own limits.
contract RouterWalletTest is WalletTest {
    PaymentRouter private router;

    function setUp() public override {
        super.setUp();
        router = new PaymentRouter();
        vm.prank(owner);
        wallet.setCollector(address(router), true);
    }

    function test_wallet_pays_for_a_service_and_counts_it() public {
        IPaymentRouter.ServicePayment memory payment = paymentOf(address(usdc), 20e6);
        callRouter(abi.encodeCall(router.payForServiceFromSource, (payment)));
        vm.assertEq(usdc.balanceOf(payee), 20e6);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY - 20e6);
        vm.assertEq(router.paidAt(address(wallet), payment), block.timestamp);
        vm.assertEq(usdc.balanceOf(address(router)), 0);
        vm.assertEq(usdc.allowance(address(wallet), address(router)), 0);
    }

    function test_wallet_pays_for_a_service_in_coins() public {
        callRouter(abi.encodeCall(router.payForServiceFromSource, (paymentOf(address(0), 1 ether))));
        vm.assertEq(payee.balance, 1 ether);
        vm.assertEq(wallet.remainingToday(address(0)), 2 ether);
        vm.assertEq(address(router).balance, 0);
    }

    function test_wallet_pays_no_payee_it_does_not_know() public {
        IPaymentRouter.ServicePayment memory payment = paymentOf(address(usdc), 20e6);
        payment.provider = anybody;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody));
        callRouter(abi.encodeCall(router.payForServiceFromSource, (payment)));
    }

    function test_subscription_of_a_wallet_counts_against_its_limit() public {
        IPaymentRouter.Terms memory terms;
        (terms.token, terms.payee, terms.amount, terms.cap) = (address(usdc), payee, 25e6, 1000e6);
        (terms.period, terms.fromSource) = (1 hours, true);
        callRouter(abi.encodeCall(router.subscribe, (terms)));
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(anybody);
            router.charge(address(wallet), terms);
            vm.warp(block.timestamp + 1 hours);
        }
        vm.assertEq(wallet.remainingToday(address(usdc)), 0);
        vm.expectPartialRevert(IAgentWallet.AbovePerDay.selector);
        router.charge(address(wallet), terms);
        vm.warp(NOON + 1 days);
        router.charge(address(wallet), terms);
        vm.assertEq(usdc.balanceOf(payee), 125e6);
    }

    function test_paused_wallet_is_not_charged() public {
        IPaymentRouter.Terms memory terms;
        (terms.token, terms.payee, terms.amount, terms.cap) = (address(usdc), payee, 1e6, 10e6);
        (terms.period, terms.fromSource) = (1 hours, true);
        callRouter(abi.encodeCall(router.subscribe, (terms)));
        vm.prank(guardian);
        wallet.pause();
        vm.expectRevert(abi.encodePacked(IAgentWallet.WalletPaused.selector));
        router.charge(address(wallet), terms);
    }

    function test_operator_named_as_agent_disputes_and_the_wallet_receives() public {
        ServiceRegistry registry = new ServiceRegistry(router);
        IPaymentRouter.ServicePayment memory payment = paymentOf(address(usdc), 20e6);
        payment.service = register(registry);
        callRouter(abi.encodeCall(router.payForServiceFromSource, (payment)));
        usdc.mint(operator, 2e6);
        vm.startPrank(operator);
        usdc.approve(address(registry), 2e6);
        bytes32 request = registry.openDispute(address(wallet), payment, "");
        vm.startPrank(named("arbiter"));
        registry.rule(request, 40e6);
        vm.startPrank(anybody);
        uint256 before = usdc.balanceOf(address(wallet));
        registry.claim(address(usdc), address(wallet), address(wallet));
        vm.assertEq(usdc.balanceOf(address(wallet)), before + 40e6);
    }

    function register(ServiceRegistry registry) private returns (bytes32) {
        IServiceRegistry.Registration memory r;
        (r.payee, r.token, r.price, r.stake) = (payee, address(usdc), 20e6, 40e6);
        r.arbiter = named("arbiter");
        usdc.mint(address(this), r.stake);
        usdc.approve(address(registry), r.stake);
        return registry.register(r);
    }

    function callRouter(bytes memory data) private {
        vm.prank(operator);
        wallet.callCollector(address(router), data);
    }

    function paymentOf(address token, uint256 amount)
        private
        view
        returns (IPaymentRouter.ServicePayment memory payment)
    {
        (payment.token, payment.provider, payment.amount) = (token, payee, amount);
        (payment.agent, payment.quantity, payment.requestHash) = (operator, 1, "request");
    }
}
