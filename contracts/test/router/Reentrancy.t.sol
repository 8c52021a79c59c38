// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {HookToken} from "./Tokens.sol";

/// @notice While a payment runs, no other can begin, whoever calls back.
contract RouterReentrancyTest is RouterTest {
    HookToken private hook;

    function setUp() public override {
        super.setUp();
        hook = new HookToken();
        hook.mint(payer, FUNDS);
        vm.prank(payer);
        hook.approve(address(router), FUNDS);
    }

    function test_token_cannot_call_any_entry_back() public {
        bytes[11] memory calls = entries();
        for (uint256 i = 0; i < calls.length; ++i) {
            hook.arm(address(router), calls[i]);
            vm.prank(payer);
            router.batchPay(batchOf(address(hook), 1, 1));
            vm.assertFalse(hook.succeeded());
            vm.assertEq(hook.answer(), abi.encodePacked(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        }
    }

    function test_lock_ends_with_the_call() public {
        vm.startPrank(payer);
        router.batchPay(batchOf(address(hook), 1, 1));
        router.batchPay(batchOf(address(hook), 1, 1));
        vm.assertEq(hook.balanceOf(provider), 2);
    }

    function test_payee_of_coins_cannot_call_back() public {
        Reenterer payee = new Reenterer(router, batchOf(address(0), 1, 1));
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        batch.payments[0].to = address(payee);
        expect(abi.encodeWithSelector(IPaymentRouter.PaymentFailed.selector, address(payee), 70));
        vm.prank(payer);
        router.batchPay{value: 100}(batch);
    }

    function test_coins_sent_back_during_a_payment_are_not_kept() public {
        Returner payee = new Returner();
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        batch.payments[0].to = address(payee);
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(0), 0, 70));
        vm.prank(payer);
        router.batchPay{value: 100}(batch);
    }

    function entries() private returns (bytes[11] memory) {
        IPaymentRouter.Permit memory permit;
        IPaymentRouter.Authorization memory authorization;
        IPaymentRouter.Batch memory batch = batchOf(address(hook), 1, 1);
        IPaymentRouter.Split memory split = splitOf(address(hook), 2, 1, 1);
        IPaymentRouter.ServicePayment memory payment = serviceOf(address(hook), 1);
        IPaymentRouter.Terms memory terms = termsOf(address(hook));
        return [
            abi.encodeCall(router.batchPay, (batch)),
            abi.encodeCall(router.batchPayWithPermit, (batch, permit)),
            abi.encodeCall(router.batchPayWithAuthorization, (batch, authorization)),
            abi.encodeCall(router.splitPay, (split)),
            abi.encodeCall(router.splitPayWithPermit, (split, permit)),
            abi.encodeCall(router.splitPayWithAuthorization, (split, authorization)),
            abi.encodeCall(router.payForService, (payment)),
            abi.encodeCall(router.payForServiceWithPermit, (payment, permit)),
            abi.encodeCall(router.payForServiceWithAuthorization, (payment, authorization)),
            abi.encodeCall(router.payForServiceFromSource, (payment)),
            abi.encodeCall(router.charge, (payer, terms))
        ];
    }

    function test_token_cannot_subscribe_or_cancel_during_a_payment() public {
        IPaymentRouter.Permit memory permit;
        IPaymentRouter.Terms memory terms = termsOf(address(hook));
        bytes[3] memory calls = [
            abi.encodeCall(router.subscribe, (terms)),
            abi.encodeCall(router.subscribeWithPermit, (terms, permit)),
            abi.encodeCall(router.cancel, (terms))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            hook.arm(address(router), calls[i]);
            vm.prank(payer);
            router.batchPay(batchOf(address(hook), 1, 1));
            vm.assertEq(hook.answer(), abi.encodePacked(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        }
    }
}

contract Reenterer {
    IPaymentRouter private immutable router;
    IPaymentRouter.Batch private batch;

    constructor(IPaymentRouter router_, IPaymentRouter.Batch memory batch_) {
        router = router_;
        batch.memo = batch_.memo;
        for (uint256 i = 0; i < batch_.payments.length; ++i) {
            batch.payments.push(batch_.payments[i]);
        }
    }

    receive() external payable {
        router.batchPay{value: 2}(batch);
    }
}

/// @notice Sends coins back to whoever sent them.
contract Returner {
    receive() external payable {
        (bool success,) = msg.sender.call{value: msg.value}("");
        require(success);
    }
}
