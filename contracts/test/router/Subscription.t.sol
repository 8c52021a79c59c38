// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {Source} from "./Sources.sol";

contract RouterSubscriptionTest is RouterTest {
    IPaymentRouter.Terms internal terms;
    bytes32 internal id;

    function setUp() public override {
        super.setUp();
        terms = termsOf(address(token));
        id = router.subscriptionId(payer, terms);
    }

    function test_subscribing_takes_nothing_yet() public {
        vm.expectEmit(address(router));
        emit IPaymentRouter.Subscribed(id, payer, provider, terms.start, terms);
        vm.prank(payer);
        vm.assertEq(router.subscribe(terms), id);
        assertState(true, 0, terms.start);
        vm.assertEq(router.subscriptionOf(payer, terms).start, terms.start);
        vm.assertEq(token.balanceOf(provider), 0);
    }

    function test_anybody_charges_once_it_began() public {
        subscribe();
        refuseUntil(terms.start);
        vm.warp(terms.start);
        vm.expectEmit(address(router));
        emit IPaymentRouter.SubscriptionCharged(id, payer, provider, address(token), 100, 0);
        vm.prank(anybody);
        vm.assertEq(router.charge(payer, terms), id);
        vm.assertEq(token.balanceOf(provider), 100);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
        assertState(true, 1, terms.start + 30 days);
    }

    function test_period_is_charged_once() public {
        subscribe();
        vm.warp(terms.start);
        router.charge(payer, terms);
        refuseUntil(terms.start + 30 days);
        vm.warp(terms.start + 30 days - 1);
        refuseUntil(terms.start + 30 days);
        vm.warp(terms.start + 30 days);
        vm.expectEmit(address(router));
        emit IPaymentRouter.SubscriptionCharged(id, payer, provider, address(token), 100, 1);
        router.charge(payer, terms);
        refuseUntil(terms.start + 60 days);
    }

    function test_missed_periods_are_not_caught_up() public {
        subscribe();
        vm.warp(terms.start + 95 days);
        vm.expectEmit(address(router));
        emit IPaymentRouter.SubscriptionCharged(id, payer, provider, address(token), 100, 3);
        router.charge(payer, terms);
        refuseUntil(terms.start + 120 days);
        vm.assertEq(token.balanceOf(provider), 100);
    }

    function test_cap_ends_the_charges() public {
        subscribe();
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(terms.start + i * 30 days);
            router.charge(payer, terms);
        }
        assertState(true, 3, 0);
        vm.warp(terms.start + 90 days);
        expect(abi.encodeWithSelector(IPaymentRouter.CapReached.selector, id, 350, 300));
        router.charge(payer, terms);
        vm.assertEq(token.balanceOf(provider), 300);
    }

    function test_start_in_the_past_counts_from_the_subscription() public {
        terms.start = 1;
        id = router.subscriptionId(payer, terms);
        uint40 now_ = uint40(block.timestamp);
        vm.expectEmit(address(router));
        emit IPaymentRouter.Subscribed(id, payer, provider, now_, terms);
        subscribe();
        router.charge(payer, terms);
        refuseUntil(uint256(now_) + 30 days);
    }

    function test_subscriber_cancels_for_good() public {
        subscribe();
        vm.warp(terms.start);
        vm.expectEmit(address(router));
        emit IPaymentRouter.SubscriptionCancelled(id, payer);
        vm.prank(payer);
        vm.assertEq(router.cancel(terms), id);
        assertState(false, 0, 0);
        expect(abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, id));
        router.charge(payer, terms);
        vm.startPrank(payer);
        expect(abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, id));
        router.cancel(terms);
        expect(abi.encodeWithSelector(IPaymentRouter.AlreadySubscribed.selector, id));
        router.subscribe(terms);
    }

    function test_nobody_else_cancels() public {
        subscribe();
        bytes32 others = router.subscriptionId(anybody, terms);
        expect(abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, others));
        vm.prank(anybody);
        router.cancel(terms);
        assertState(true, 0, terms.start);
    }

    function test_nobody_is_charged_without_agreeing() public {
        expect(abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, id));
        router.charge(payer, terms);
        assertState(false, 0, 0);
    }

    function test_changed_terms_are_other_terms() public {
        subscribe();
        vm.warp(terms.start);
        terms.amount = 200;
        bytes32 changed = router.subscriptionId(payer, terms);
        vm.assertNotEq(changed, id);
        expect(abi.encodeWithSelector(IPaymentRouter.NotSubscribed.selector, changed));
        router.charge(payer, terms);
    }

    function test_same_terms_are_agreed_to_once() public {
        subscribe();
        expect(abi.encodeWithSelector(IPaymentRouter.AlreadySubscribed.selector, id));
        subscribe();
    }

    function test_permit_funds_a_subscription() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(350);
        vm.prank(payer);
        vm.assertEq(router.subscribeWithPermit(terms, permit), id);
        vm.assertEq(token.allowance(payer, address(router)), 350);
        vm.warp(terms.start);
        router.charge(payer, terms);
        vm.assertEq(token.balanceOf(provider), 100);
    }

    function test_charge_without_money_can_be_repeated_later() public {
        subscribe();
        takeAllowance();
        vm.warp(terms.start);
        vm.expectRevert(bytes("ERC20: transfer amount exceeds allowance"));
        router.charge(payer, terms);
        assertState(true, 0, terms.start);
    }

    function test_terms_must_make_sense() public {
        terms.amount = 0;
        refuseTerms();
        terms = termsOf(address(token));
        terms.cap = 99;
        refuseTerms();
        terms = termsOf(address(token));
        terms.period = 0;
        refuseTerms();
    }

    function test_smallest_terms_are_taken() public {
        (terms.cap, terms.period) = (100, 1);
        subscribe();
        vm.warp(terms.start);
        router.charge(payer, terms);
        vm.assertEq(token.balanceOf(provider), 100);
    }

    function test_terms_need_a_payee() public {
        terms.payee = address(0);
        expect(abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 0, address(0)));
        subscribe();
    }

    function test_coins_can_only_come_from_a_source() public {
        terms.token = address(0);
        expect(abi.encodePacked(IPaymentRouter.TokenRequired.selector));
        subscribe();
    }

    function test_source_is_asked_for_each_period() public {
        Source source = new Source(router);
        token.mint(address(source), 1000);
        terms.fromSource = true;
        id = source.subscribe(terms);
        vm.warp(terms.start);
        vm.prank(anybody);
        router.charge(address(source), terms);
        vm.assertEq(token.balanceOf(provider), 100);
        vm.assertEq(source.asked(), id);
        vm.assertEq(source.askedFor(), provider);
        expect(abi.encodeWithSelector(IPaymentRouter.NotDue.selector, id, terms.start + 30 days));
        router.charge(address(source), terms);
        assertKeepsNothing();
    }

    function test_source_pays_coins() public {
        Source source = new Source{value: 100}(router);
        (terms.fromSource, terms.token) = (true, address(0));
        source.subscribe(terms);
        vm.warp(terms.start);
        router.charge(address(source), terms);
        vm.assertEq(provider.balance, 100);
        assertKeepsNothing();
    }

    function test_fuzz_charges_never_exceed_the_cap(uint256 amount, uint256 cap, uint32[8] memory waits) public {
        terms.amount = bound(amount, 1, FUNDS);
        terms.cap = bound(cap, terms.amount, type(uint256).max);
        subscribe();
        for (uint256 i = 0; i < 8; ++i) {
            vm.warp(block.timestamp + waits[i]);
            uint256 next = router.subscriptionOf(payer, terms).nextCharge;
            bool due = next != 0 && block.timestamp >= next && token.balanceOf(payer) >= terms.amount;
            try router.charge(payer, terms) {
                vm.assertTrue(due);
            } catch {
                vm.assertFalse(due);
            }
            vm.assertLe(token.balanceOf(provider), terms.cap);
        }
    }

    function subscribe() private {
        vm.prank(payer);
        router.subscribe(terms);
    }

    function refuseUntil(uint256 time) private {
        expect(abi.encodeWithSelector(IPaymentRouter.NotDue.selector, id, time));
        router.charge(payer, terms);
    }

    function refuseTerms() private {
        expect(abi.encodeWithSelector(IPaymentRouter.InvalidTerms.selector, terms.amount, terms.cap, terms.period));
        subscribe();
    }

    function assertState(bool active, uint256 charges, uint256 next) private view {
        IPaymentRouter.Subscription memory now_ = router.subscriptionOf(payer, terms);
        vm.assertEq(now_.active, active);
        vm.assertEq(now_.charges, charges);
        vm.assertEq(now_.nextCharge, next);
    }
}
