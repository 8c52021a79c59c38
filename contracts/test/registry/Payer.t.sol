// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {RegistryTest} from "./RegistryTest.sol";

/// @notice Who may rate and dispute: those whose payment the router shows, once each.
contract RegistryPayerTest is RegistryTest {
    function test_payer_rates_a_payment_once() public {
        IPaymentRouter.ServicePayment memory p = paid(100, "1");
        bytes32 request = router.requestId(payer, p);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.Rated(service, payer, request, 5, 100);
        vm.startPrank(payer);
        registry.rate(payer, p, 5);
        assertReputation(1, 5, 100);
        expect(abi.encodeWithSelector(IServiceRegistry.AlreadyRated.selector, request));
        registry.rate(payer, p, 1);
    }

    function test_ratings_add_up() public {
        IPaymentRouter.ServicePayment memory first = paid(100, "1");
        IPaymentRouter.ServicePayment memory second = paid(50, "2");
        vm.prank(payer);
        registry.rate(payer, first, 5);
        vm.prank(agent);
        registry.rate(payer, second, 1);
        assertReputation(2, 6, 150);
    }

    function test_scores_are_1_to_5() public {
        IPaymentRouter.ServicePayment memory p = paid(100, "1");
        vm.startPrank(payer);
        expect(abi.encodeWithSelector(IServiceRegistry.InvalidScore.selector, 0));
        registry.rate(payer, p, 0);
        expect(abi.encodeWithSelector(IServiceRegistry.InvalidScore.selector, 6));
        registry.rate(payer, p, 6);
    }

    function test_nobody_else_rates_or_disputes() public {
        IPaymentRouter.ServicePayment memory p = paid(100, "1");
        refuseBoth(provider, p, abi.encodeWithSelector(IServiceRegistry.NotThePayer.selector, payer, provider));
    }

    function test_payment_must_have_been_made() public {
        IPaymentRouter.ServicePayment memory p = payment(100, "1");
        bytes memory refusal = abi.encodeWithSelector(IServiceRegistry.NotPaid.selector, router.requestId(payer, p));
        refuseBoth(payer, p, refusal);
        p = paid(100, "1");
        p.amount = 1000;
        refuseBoth(payer, p, refusal);
    }

    function test_payment_must_be_to_the_services_payee_in_its_token() public {
        bytes memory refusal =
            abi.encodeWithSelector(IServiceRegistry.OtherTerms.selector, service, address(token), treasury);
        IPaymentRouter.ServicePayment memory p = payment(100, "1");
        p.provider = other;
        vm.prank(payer);
        router.payForService(p);
        refuseBoth(payer, p, refusal);
        p = payment(100, "2");
        p.token = address(0);
        vm.prank(payer);
        router.payForService{value: 100}(p);
        refuseBoth(payer, p, refusal);
    }

    function test_service_must_exist() public {
        IPaymentRouter.ServicePayment memory p = payment(100, "1");
        p.service = "unknown";
        refuseBoth(payer, p, abi.encodeWithSelector(IServiceRegistry.UnknownService.selector, p.service));
    }

    function test_payment_must_not_be_older_than_the_service() public {
        IPaymentRouter.ServicePayment memory p = payment(100, "1");
        p.service = registry.serviceId(provider, "second");
        vm.prank(payer);
        router.payForService(p);
        uint256 time = block.timestamp;
        vm.warp(time + 1);
        IServiceRegistry.Registration memory r = registration();
        r.salt = "second";
        vm.prank(provider);
        registry.register(r);
        refuseBoth(payer, p, abi.encodeWithSelector(IServiceRegistry.PaidBeforeRegistration.selector, time, time + 1));
    }

    function test_dispute_takes_a_bond_and_locks_stake() public {
        IPaymentRouter.ServicePayment memory p = paid(101, "1");
        bytes32 request = router.requestId(payer, p);
        IServiceRegistry.Dispute memory expected = IServiceRegistry.Dispute({
            service: service,
            payer: payer,
            bonder: payer,
            arbiter: arbiter,
            deadline: uint40(block.timestamp + 7 days),
            status: IServiceRegistry.Status.OPEN,
            bond: 11,
            locked: 202
        });
        vm.expectEmit(address(registry));
        emit IServiceRegistry.DisputeOpened(request, service, expected, "evidence");
        vm.prank(payer);
        vm.assertEq(registry.openDispute(payer, p, "evidence"), request);
        assertStake(STAKE, 202, 0);
        vm.assertEq(registry.freeStake(service), 798);
        vm.assertEq(token.balanceOf(address(registry)), STAKE + 11);
        vm.assertEq(keccak256(abi.encode(registry.disputeOf(request))), keccak256(abi.encode(expected)));
        expect(abi.encodeWithSelector(IServiceRegistry.AlreadyDisputed.selector, request));
        vm.prank(payer);
        registry.openDispute(payer, p, "");
    }

    function test_bond_rounds_up() public view {
        vm.assertEq(registry.bondFor(1), 1);
        vm.assertEq(registry.bondFor(10), 1);
        vm.assertEq(registry.bondFor(11), 2);
    }

    function test_agent_named_in_the_payment_disputes_for_the_payer() public {
        IPaymentRouter.ServicePayment memory p = paid(100, "1");
        token.mint(agent, 10);
        vm.startPrank(agent);
        token.approve(address(registry), 10);
        bytes32 request = registry.openDispute(payer, p, "");
        vm.assertEq(token.balanceOf(agent), 0);
        vm.startPrank(arbiter);
        registry.rule(request, 200);
        vm.assertEq(registry.claimable(address(token), payer), 200);
        vm.assertEq(registry.claimable(address(token), agent), 10);
    }

    function test_dispute_comes_in_time() public {
        IPaymentRouter.ServicePayment memory first = paid(100, "1");
        IPaymentRouter.ServicePayment memory second = paid(100, "2");
        uint256 deadline = block.timestamp + 7 days;
        vm.startPrank(payer);
        vm.warp(deadline);
        registry.openDispute(payer, first, "");
        vm.warp(deadline + 1);
        expect(abi.encodeWithSelector(IServiceRegistry.TooLate.selector, deadline, deadline + 1));
        registry.openDispute(payer, second, "");
    }

    function test_dispute_locks_no_more_than_there_is() public {
        opened(300, "1");
        opened(400, "2");
        assertStake(STAKE, STAKE, 0);
        IPaymentRouter.ServicePayment memory p = paid(100, "3");
        expect(abi.encodeWithSelector(IServiceRegistry.NoStakeLeft.selector, service));
        vm.prank(payer);
        registry.openDispute(payer, p, "");
    }

    function test_stake_that_was_asked_back_can_still_be_taken() public {
        vm.startPrank(provider);
        registry.setListed(service, false);
        registry.requestWithdrawal(service, STAKE);
        vm.stopPrank();
        bytes32 request = opened(100, "1");
        assertStake(STAKE, 200, STAKE);
        vm.assertEq(registry.freeStake(service), 0);
        vm.prank(arbiter);
        registry.rule(request, 200);
        vm.warp(block.timestamp + 14 days);
        vm.prank(provider);
        vm.assertEq(registry.withdraw(service, provider), 800);
        assertStake(0, 0, 200);
        refuse(abi.encodeWithSelector(IServiceRegistry.NothingToWithdraw.selector, service));
        registry.withdraw(service, provider);
    }

    function test_locked_stake_cannot_be_withdrawn() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(service, 800);
        vm.warp(block.timestamp + 14 days);
        vm.stopPrank();
        opened(300, "1");
        vm.prank(provider);
        vm.assertEq(registry.withdraw(service, provider), 400);
        assertStake(600, 600, 400);
    }

    function test_service_without_enough_free_stake_is_not_active() public {
        opened(400, "1");
        vm.assertTrue(registry.isActive(service));
        opened(1, "2");
        vm.assertEq(registry.freeStake(service), 198);
        vm.assertFalse(registry.isActive(service));
    }

    function test_arbiter_disputes_nothing_before_himself() public {
        IPaymentRouter.ServicePayment memory p = payment(100, "1");
        token.mint(arbiter, 100);
        vm.startPrank(arbiter);
        token.approve(address(router), 100);
        router.payForService(p);
        expect(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, arbiter));
        registry.openDispute(arbiter, p, "");
        vm.stopPrank();
        p.agent = arbiter;
        vm.prank(payer);
        router.payForService(p);
        expect(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, arbiter));
        vm.prank(arbiter);
        registry.openDispute(payer, p, "");
    }

    function refuseBoth(address who, IPaymentRouter.ServicePayment memory p, bytes memory reason) private {
        vm.startPrank(who);
        expect(reason);
        registry.rate(payer, p, 5);
        expect(reason);
        registry.openDispute(payer, p, "");
        vm.stopPrank();
    }

    function assertReputation(uint256 ratings, uint256 score, uint256 volume) private view {
        IServiceRegistry.Reputation memory r = registry.reputationOf(service);
        vm.assertEq(r.ratings, ratings);
        vm.assertEq(r.score, score);
        vm.assertEq(r.volume, volume);
    }
}
