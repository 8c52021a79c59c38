// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {RegistryTest} from "./RegistryTest.sol";

contract RegistryRulingTest is RegistryTest {
    bytes32 private request;

    function setUp() public override {
        super.setUp();
        request = opened(100, "1");
    }

    function test_award_goes_to_the_payer_with_the_bond() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.DisputeRuled(request, service, 150);
        vm.prank(arbiter);
        registry.rule(request, 150);
        assertStake(850, 0, 0);
        assertOwed(160, 0);
        assertStatus(IServiceRegistry.Status.UPHELD);
    }

    function test_award_is_at_most_the_multiple_of_the_payment() public {
        vm.startPrank(arbiter);
        expect(abi.encodeWithSelector(IServiceRegistry.AwardTooLarge.selector, 200, 201));
        registry.rule(request, 201);
        registry.rule(request, 200);
        assertStake(800, 0, 0);
        assertOwed(210, 0);
    }

    function test_rejected_dispute_costs_the_bond() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.DisputeRuled(request, service, 0);
        vm.prank(arbiter);
        registry.rule(request, 0);
        assertStake(STAKE, 0, 0);
        assertOwed(0, 10);
        assertStatus(IServiceRegistry.Status.REJECTED);
    }

    function test_without_a_ruling_the_bond_returns() public {
        uint256 deadline = block.timestamp + 7 days;
        vm.warp(deadline);
        expect(abi.encodeWithSelector(IServiceRegistry.TooEarly.selector, deadline + 1, deadline));
        registry.lapse(request);
        vm.warp(deadline + 1);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.DisputeLapsed(request, service);
        vm.prank(anybody);
        registry.lapse(request);
        assertStake(STAKE, 0, 0);
        assertOwed(10, 0);
        assertStatus(IServiceRegistry.Status.LAPSED);
    }

    function test_bonds_add_up() public {
        bytes32 second = opened(200, "2");
        vm.warp(block.timestamp + 7 days + 1);
        registry.lapse(request);
        registry.lapse(second);
        assertOwed(30, 0);
    }

    function test_awards_add_up() public {
        bytes32 second = opened(200, "2");
        bytes32 third = opened(50, "3");
        bytes32 fourth = opened(50, "4");
        vm.startPrank(arbiter);
        registry.rule(request, 150);
        registry.rule(second, 100);
        assertOwed(280, 0);
        registry.rule(third, 0);
        registry.rule(fourth, 0);
        assertOwed(280, 10);
        assertStake(STAKE - 250, 0, 0);
    }

    function test_ruling_comes_in_time() public {
        bytes32 second = opened(100, "2");
        uint256 deadline = block.timestamp + 7 days;
        vm.startPrank(arbiter);
        vm.warp(deadline);
        registry.rule(second, 1);
        vm.warp(deadline + 1);
        expect(abi.encodeWithSelector(IServiceRegistry.TooLate.selector, deadline, deadline + 1));
        registry.rule(request, 1);
    }

    function test_dispute_ends_once() public {
        bytes memory refusal = abi.encodeWithSelector(IServiceRegistry.NoOpenDispute.selector, request);
        vm.startPrank(arbiter);
        registry.rule(request, 1);
        expect(refusal);
        registry.rule(request, 1);
        vm.warp(block.timestamp + 8 days);
        expect(refusal);
        registry.lapse(request);
        expect(abi.encodeWithSelector(IServiceRegistry.NoOpenDispute.selector, bytes32("unknown")));
        registry.lapse("unknown");
    }

    function test_payment_is_disputed_once_even_after_a_ruling() public {
        vm.prank(arbiter);
        registry.rule(request, 0);
        expect(abi.encodeWithSelector(IServiceRegistry.AlreadyDisputed.selector, request));
        vm.prank(payer);
        registry.openDispute(payer, payment(100, "1"), "");
    }

    function test_only_the_arbiter_of_the_dispute_rules() public {
        expect(abi.encodeWithSelector(IServiceRegistry.NotTheArbiter.selector, arbiter, payer));
        vm.prank(payer);
        registry.rule(request, 1);
    }

    function test_new_arbiter_rules_on_new_disputes_only() public {
        address next = named("next arbiter");
        vm.prank(provider);
        registry.proposeArbiter(service, next);
        vm.warp(block.timestamp + 14 days - 1 hours);
        bytes32 old = opened(100, "2");
        vm.warp(block.timestamp + 1 hours);
        bytes32 recent = opened(100, "3");
        expect(abi.encodeWithSelector(IServiceRegistry.NotTheArbiter.selector, arbiter, next));
        vm.prank(next);
        registry.rule(old, 1);
        vm.prank(arbiter);
        registry.rule(old, 1);
        expect(abi.encodeWithSelector(IServiceRegistry.NotTheArbiter.selector, next, arbiter));
        vm.prank(arbiter);
        registry.rule(recent, 1);
        vm.prank(next);
        registry.rule(recent, 1);
    }

    function test_claims_are_paid_out() public {
        vm.prank(arbiter);
        registry.rule(request, 150);
        uint256 before = token.balanceOf(payer);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.Claimed(address(token), payer, payer, 160);
        vm.prank(anybody);
        vm.assertEq(registry.claim(address(token), payer, payer), 160);
        vm.assertEq(token.balanceOf(payer), before + 160);
        vm.assertEq(token.balanceOf(address(registry)), 850);
        expect(abi.encodeWithSelector(IServiceRegistry.NothingToClaim.selector, address(token), payer));
        registry.claim(address(token), payer, payer);
    }

    function test_only_the_claimant_sends_a_claim_elsewhere() public {
        vm.prank(arbiter);
        registry.rule(request, 150);
        expect(abi.encodeWithSelector(IServiceRegistry.NotTheClaimant.selector, payer, anybody));
        vm.prank(anybody);
        registry.claim(address(token), payer, anybody);
        vm.prank(payer);
        registry.claim(address(token), payer, other);
        vm.assertEq(token.balanceOf(other), 160);
    }

    function test_claim_of_coins() public {
        IServiceRegistry.Registration memory r = registration();
        (r.salt, r.token) = ("coins", address(0));
        vm.prank(provider);
        service = registry.register{value: STAKE}(r);
        IPaymentRouter.ServicePayment memory p = payment(100, "9");
        p.token = address(0);
        vm.startPrank(payer);
        router.payForService{value: 100}(p);
        expect(abi.encodeWithSelector(IServiceRegistry.WrongValue.selector, 10, 9));
        registry.openDispute{value: 9}(payer, p, "");
        bytes32 id = registry.openDispute{value: 10}(payer, p, "");
        vm.stopPrank();
        vm.prank(arbiter);
        registry.rule(id, 200);
        vm.prank(payer);
        registry.claim(address(0), payer, other);
        vm.assertEq(other.balance, 210);
        vm.assertEq(address(registry).balance, 800);
    }

    function test_claim_that_cannot_be_delivered_stays() public {
        vm.prank(arbiter);
        registry.rule(request, 150);
        vm.startPrank(payer);
        expect(abi.encodePacked(IServiceRegistry.ZeroAddress.selector));
        registry.claim(address(token), payer, address(0));
        vm.assertEq(registry.claimable(address(token), payer), 160);
    }

    function test_fuzz_ruling_moves_exactly_the_award(uint64 amount, uint256 award) public {
        uint256 value = bound(amount, 1, FUNDS / 2);
        bytes32 id = opened(value, "fuzz");
        uint256 most = registry.disputeOf(id).locked;
        vm.assertLe(most, 2 * value);
        award = bound(award, 0, most);
        uint256 payerOwed = registry.claimable(address(token), payer);
        vm.prank(arbiter);
        registry.rule(id, award);
        uint256 bond = registry.bondFor(value);
        vm.assertEq(registry.claimable(address(token), payer), payerOwed + (award == 0 ? 0 : award + bond));
        vm.assertEq(registry.claimable(address(token), treasury), award == 0 ? bond : 0);
        vm.assertEq(registry.claimable(address(token), arbiter), 0);
        vm.assertEq(registry.serviceOf(service).stake, STAKE - award);
    }

    function assertOwed(uint256 payerOwed, uint256 payeeOwed) private view {
        vm.assertEq(registry.claimable(address(token), payer), payerOwed);
        vm.assertEq(registry.claimable(address(token), treasury), payeeOwed);
    }

    function assertStatus(IServiceRegistry.Status status) private view {
        vm.assertEq(uint256(registry.disputeOf(request).status), uint256(status));
    }
}
