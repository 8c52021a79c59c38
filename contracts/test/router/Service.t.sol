// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {Source} from "./Sources.sol";
import {Coinless, ForgedToken} from "./Tokens.sol";

contract RouterServiceTest is RouterTest {
    IPaymentRouter.ServicePayment internal payment;
    IPaymentRouter.ServicePayment internal coins;
    Source internal source;

    function setUp() public override {
        super.setUp();
        payment = serviceOf(address(token), 100);
        coins = serviceOf(address(0), 100);
        source = new Source{value: 1000}(router);
        token.mint(address(source), 1000);
    }

    function test_payment_reaches_the_provider_who_can_verify_it() public {
        bytes32 id = router.requestId(payer, payment);
        vm.assertEq(router.paidAt(payer, payment), 0);
        expectPaid(id, payer, payment);
        vm.prank(payer);
        vm.assertEq(router.payForService(payment), id);
        assertProof(payer, payment);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
    }

    function test_payment_in_coins() public {
        bytes32 id = router.requestId(payer, coins);
        expectPaid(id, payer, coins);
        vm.prank(payer);
        vm.assertEq(router.payForService{value: 100}(coins), id);
        vm.assertEq(provider.balance, 100);
        vm.assertEq(router.paidAt(payer, coins), block.timestamp);
        assertKeepsNothing();
    }

    function test_payment_by_permit() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        bytes32 id = router.requestId(payer, payment);
        vm.prank(payer);
        vm.assertEq(router.payForServiceWithPermit(payment, permit), id);
        assertProof(payer, payment);
    }

    function test_payment_by_authorization_of_the_payer() public {
        takeAllowance();
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.serviceNonce(payment));
        bytes32 id = router.requestId(payer, payment);
        expectPaid(id, payer, payment);
        vm.prank(anybody);
        vm.assertEq(router.payForServiceWithAuthorization(payment, authorization), id);
        assertProof(payer, payment);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
    }

    function test_authorized_payment_cannot_be_changed() public {
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.serviceNonce(payment));
        payment.provider = anybody;
        vm.expectRevert(bytes("EIP712: invalid signature"));
        router.payForServiceWithAuthorization(payment, authorization);
    }

    function test_payment_by_a_source() public {
        bytes32 id = router.requestId(address(source), payment);
        expectPaid(id, address(source), payment);
        vm.assertEq(source.pay(payment), id);
        assertProof(address(source), payment);
        vm.assertEq(token.balanceOf(address(source)), 900);
        vm.assertEq(source.asked(), id);
        vm.assertEq(source.askedFor(), provider);
    }

    function test_payment_in_coins_by_a_source() public {
        source.pay(coins);
        vm.assertEq(provider.balance, 100);
        vm.assertEq(address(source).balance, 900);
        assertKeepsNothing();
    }

    function test_source_must_send_exactly_the_amount_to_the_router() public {
        refuseSource(Source.Way.SHORT, payment, 99);
        refuseSource(Source.Way.GENEROUS, payment, 101);
        refuseSource(Source.Way.PAYEE, payment, 0);
        refuseSource(Source.Way.NEVER, payment, 0);
        refuseSource(Source.Way.SHORT, coins, 99);
        refuseSource(Source.Way.GENEROUS, coins, 101);
        refuseSource(Source.Way.PAYEE, coins, 0);
    }

    function test_same_request_is_refused_by_every_entry() public {
        IPaymentRouter.Permit memory permit = permitOf(100);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.serviceNonce(payment));
        vm.prank(payer);
        bytes32 id = router.payForService(payment);
        bytes memory refusal = abi.encodeWithSelector(IPaymentRouter.AlreadyPaid.selector, id, block.timestamp);
        vm.warp(block.timestamp + 1);
        vm.startPrank(payer);
        expect(refusal);
        router.payForService(payment);
        expect(refusal);
        router.payForServiceWithPermit(payment, permit);
        expect(refusal);
        router.payForServiceWithAuthorization(payment, authorization);
        expect(refusal);
        router.payForServiceFromSource(payment);
    }

    function test_same_request_for_another_amount_or_provider_is_refused() public {
        vm.startPrank(payer);
        bytes32 id = router.payForService(payment);
        bytes memory refusal = abi.encodeWithSelector(IPaymentRouter.AlreadyPaid.selector, id, block.timestamp);
        payment.amount = 1;
        expect(refusal);
        router.payForService(payment);
        payment.provider = other;
        expect(refusal);
        router.payForService(payment);
    }

    function test_each_part_of_a_request_makes_it_another() public view {
        bytes32 id = router.requestId(payer, payment);
        vm.assertNotEq(id, router.requestId(other, payment));
        IPaymentRouter.ServicePayment memory changed = copy();
        changed.token = other;
        vm.assertNotEq(id, router.requestId(payer, changed));
        changed = copy();
        changed.service = "x";
        vm.assertNotEq(id, router.requestId(payer, changed));
        changed = copy();
        changed.agent = other;
        vm.assertNotEq(id, router.requestId(payer, changed));
        changed = copy();
        changed.task = "x";
        vm.assertNotEq(id, router.requestId(payer, changed));
        changed = copy();
        changed.quantity = 4;
        vm.assertNotEq(id, router.requestId(payer, changed));
        changed = copy();
        changed.requestHash = "x";
        vm.assertNotEq(id, router.requestId(payer, changed));
    }

    function test_proof_is_for_exactly_what_was_paid() public {
        vm.prank(payer);
        router.payForService(payment);
        vm.warp(block.timestamp + 1 days);
        vm.assertEq(router.paidAt(payer, payment), block.timestamp - 1 days);
        payment.amount = 101;
        vm.assertEq(router.paidAt(payer, payment), 0);
        payment.amount = 100;
        payment.provider = other;
        vm.assertEq(router.paidAt(payer, payment), 0);
        payment.provider = provider;
        vm.assertEq(router.paidAt(other, payment), 0);
    }

    function test_fuzz_request_is_paid_once(uint256 amount, bytes32 hash, uint8 quantity) public {
        payment.amount = bound(amount, 1, FUNDS);
        payment.requestHash = hash;
        payment.quantity = quantity;
        vm.startPrank(payer);
        bytes32 id = router.payForService(payment);
        vm.assertEq(token.balanceOf(provider), payment.amount);
        expect(abi.encodeWithSelector(IPaymentRouter.AlreadyPaid.selector, id, block.timestamp));
        router.payForService(payment);
    }

    function test_failed_payment_leaves_no_proof() public {
        coins.provider = address(new Coinless());
        expect(abi.encodeWithSelector(IPaymentRouter.PaymentFailed.selector, coins.provider, 100));
        vm.prank(payer);
        router.payForService{value: 100}(coins);
        vm.assertEq(router.paidAt(payer, coins), 0);
    }

    function test_forged_token_cannot_use_up_a_payers_request() public {
        ForgedToken forged = new ForgedToken();
        IPaymentRouter.ServicePayment memory forgery = serviceOf(address(forged), 100);
        router.payForServiceWithAuthorization(forgery, IPaymentRouter.Authorization(payer, 0, 1, ""));
        vm.assertEq(router.paidAt(payer, payment), 0);
        vm.prank(payer);
        router.payForService(payment);
        assertProof(payer, payment);
    }

    function test_payment_refuses_bad_input() public {
        vm.startPrank(payer);
        expect(abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 0, 1));
        router.payForService{value: 1}(payment);
        expect(abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 100, 99));
        router.payForService{value: 99}(coins);
        payment.amount = 0;
        expect(abi.encodeWithSelector(IPaymentRouter.ZeroAmount.selector, 0));
        router.payForService(payment);
        payment.amount = 1;
        payment.provider = address(0);
        expect(abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 0, address(0)));
        router.payForService(payment);
        payment.provider = address(router);
        expect(abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 0, address(router)));
        router.payForService(payment);
        payment.provider = provider;
        payment.token = other;
        expect(abi.encodeWithSelector(IPaymentRouter.NotAToken.selector, other));
        router.payForService(payment);
    }

    function copy() private view returns (IPaymentRouter.ServicePayment memory) {
        return payment;
    }

    function expectPaid(bytes32 id, address by, IPaymentRouter.ServicePayment memory paid) private {
        vm.expectEmit(address(router));
        emit IPaymentRouter.ServicePaid(id, by, paid.service, paid);
    }

    function assertProof(address by, IPaymentRouter.ServicePayment memory paid) private view {
        vm.assertEq(router.paidAt(by, paid), block.timestamp);
        vm.assertEq(token.balanceOf(provider), 100);
        assertKeepsNothing();
    }

    function refuseSource(Source.Way way, IPaymentRouter.ServicePayment memory paid, uint256 sent) private {
        source.behave(way);
        expect(abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, paid.token, 100, sent));
        source.pay(paid);
    }
}
