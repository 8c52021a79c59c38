// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {Vm} from "../support/Vm.sol";
import {RouterTest} from "./RouterTest.sol";
import {Coinless} from "./Tokens.sol";

contract RouterBatchTest is RouterTest {
    function test_batch_pays_each_and_says_so_once() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        vm.expectEmit(address(router));
        emit IPaymentRouter.BatchPaid(payer, address(token), MEMO, 100, 2);
        vm.recordLogs();
        vm.prank(payer);
        router.batchPay(batch);
        vm.assertEq(routerEvents(), 1);
        assertPaid(70, 30);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
    }

    function test_itemized_batch_says_each_payment() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        batch.itemized = true;
        vm.expectEmit(address(router));
        emit IPaymentRouter.Paid(payer, provider, address(token), 70, MEMO);
        vm.expectEmit(address(router));
        emit IPaymentRouter.Paid(payer, other, address(token), 30, MEMO);
        vm.expectEmit(address(router));
        emit IPaymentRouter.BatchPaid(payer, address(token), MEMO, 100, 2);
        vm.recordLogs();
        vm.prank(payer);
        router.batchPay(batch);
        vm.assertEq(routerEvents(), 3);
    }

    function test_batch_pays_coins() public {
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        vm.expectEmit(address(router));
        emit IPaymentRouter.BatchPaid(payer, address(0), MEMO, 100, 2);
        vm.prank(payer);
        router.batchPay{value: 100}(batch);
        vm.assertEq(provider.balance, 70);
        vm.assertEq(other.balance, 30);
        assertKeepsNothing();
    }

    function test_fuzz_batch_pays_to_the_unit(uint64[12] memory amounts, address[12] memory payees) public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 1, 1);
        batch.payments = new IPaymentRouter.Payment[](12);
        uint256 total;
        for (uint256 i = 0; i < 12; ++i) {
            address to = address(uint160(bound(uint160(payees[i]), 0x1000, type(uint160).max)));
            vm.assume(to != address(router) && to != payer);
            batch.payments[i] = IPaymentRouter.Payment(to, uint256(amounts[i]) + 1);
            total += uint256(amounts[i]) + 1;
        }
        token.mint(payer, total);
        vm.startPrank(payer);
        token.approve(address(router), total);
        router.batchPay(batch);
        vm.assertEq(token.balanceOf(payer), FUNDS);
        vm.assertEq(token.allowance(payer, address(router)), 0);
        assertKeepsNothing();
        for (uint256 i = 0; i < 12; ++i) {
            vm.assertGe(token.balanceOf(batch.payments[i].to), batch.payments[i].amount);
        }
    }

    function test_batch_leaves_alone_what_the_router_was_given_by_mistake() public {
        token.mint(address(router), 5);
        vm.prank(payer);
        router.batchPay(batchOf(address(token), 70, 30));
        vm.assertEq(token.balanceOf(address(router)), 5);
        vm.deal(address(router), 6);
        vm.prank(payer);
        router.batchPay{value: 100}(batchOf(address(0), 70, 30));
        vm.assertEq(address(router).balance, 6);
    }

    function test_batch_refuses_nothing_to_pay() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 1, 1);
        batch.payments = new IPaymentRouter.Payment[](0);
        refuse(batch, 0, abi.encodePacked(IPaymentRouter.NothingToPay.selector));
    }

    function test_batch_refuses_zero_amount() public {
        refuse(batchOf(address(token), 1, 0), 0, abi.encodeWithSelector(IPaymentRouter.ZeroAmount.selector, 1));
    }

    function test_batch_refuses_zero_address() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 1, 1);
        batch.payments[1].to = address(0);
        refuse(batch, 0, abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 1, address(0)));
    }

    function test_batch_refuses_the_router_itself() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 1, 1);
        batch.payments[0].to = address(router);
        refuse(batch, 0, abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 0, address(router)));
    }

    function test_batch_refuses_coins_with_a_token() public {
        refuse(batchOf(address(token), 1, 1), 1, abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 0, 1));
    }

    function test_batch_refuses_too_few_and_too_many_coins() public {
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        refuse(batch, 99, abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 100, 99));
        refuse(batch, 101, abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 100, 101));
    }

    function test_batch_refuses_an_address_without_code() public {
        refuse(batchOf(other, 1, 1), 0, abi.encodeWithSelector(IPaymentRouter.NotAToken.selector, other));
    }

    function test_batch_is_all_or_nothing() public {
        address coinless = address(new Coinless());
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        batch.payments[1].to = coinless;
        refuse(batch, 100, abi.encodeWithSelector(IPaymentRouter.PaymentFailed.selector, coinless, 30));
        vm.assertEq(provider.balance, 0);
    }

    function test_batch_refuses_more_than_the_allowance() public {
        refuse(batchOf(address(token), FUNDS, 1), 0, "ERC20: transfer amount exceeds allowance");
    }

    function test_batch_refuses_a_sum_that_overflows() public {
        refuse(batchOf(address(token), type(uint256).max, 1), 0, abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    function test_batch_spends_nobody_elses_allowance() public {
        vm.expectRevert(bytes("ERC20: transfer amount exceeds allowance"));
        vm.prank(anybody);
        router.batchPay(batchOf(address(token), 1, 1));
    }

    function test_router_takes_no_coins_outside_a_payment() public {
        vm.prank(payer);
        (bool success, bytes memory answer) = address(router).call{value: 7}("");
        vm.assertFalse(success);
        vm.assertEq(answer, abi.encodeWithSelector(IPaymentRouter.CoinRefused.selector, 7));
    }

    function refuse(IPaymentRouter.Batch memory batch, uint256 value, bytes memory reason) private {
        bool isText = reason.length % 32 != 4 && reason.length > 4;
        expect(isText ? abi.encodeWithSignature("Error(string)", string(reason)) : reason);
        vm.prank(payer);
        router.batchPay{value: value}(batch);
    }

    function assertPaid(uint256 first, uint256 second) private view {
        vm.assertEq(token.balanceOf(provider), first);
        vm.assertEq(token.balanceOf(other), second);
        assertKeepsNothing();
    }

    function routerEvents() private returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(router)) ++count;
        }
    }
}
