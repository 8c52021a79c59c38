// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {Coinless} from "./Tokens.sol";

contract RouterSplitTest is RouterTest {
    function test_split_pays_the_shares_and_says_so() public {
        IPaymentRouter.Split memory split = splitOf(address(token), 100, 2, 1);
        vm.expectEmit(address(router));
        emit IPaymentRouter.Paid(payer, provider, address(token), 66, MEMO);
        vm.expectEmit(address(router));
        emit IPaymentRouter.Paid(payer, other, address(token), 34, MEMO);
        vm.expectEmit(address(router));
        emit IPaymentRouter.SplitPaid(payer, address(token), MEMO, 100, 2);
        vm.prank(payer);
        router.splitPay(split);
        vm.assertEq(token.balanceOf(provider), 66);
        vm.assertEq(token.balanceOf(other), 34);
        assertKeepsNothing();
    }

    function test_split_pays_coins() public {
        vm.prank(payer);
        router.splitPay{value: 101}(splitOf(address(0), 101, 1, 1));
        vm.assertEq(provider.balance, 50);
        vm.assertEq(other.balance, 51);
        assertKeepsNothing();
    }

    function test_split_sends_nothing_for_a_part_of_zero() public {
        vm.expectCall(address(token), abi.encodeCall(token.transfer, (provider, 0)), 0);
        vm.expectCall(address(token), abi.encodeCall(token.transfer, (other, 1)), 1);
        vm.prank(payer);
        router.splitPay(splitOf(address(token), 1, 1, 1));
        vm.assertEq(token.balanceOf(other), 1);
    }

    function test_fuzz_split_loses_nothing(uint256 amount, uint128[9] memory weights) public view {
        IPaymentRouter.Share[] memory shares = new IPaymentRouter.Share[](9);
        uint256 sum;
        for (uint256 i = 0; i < 9; ++i) {
            shares[i] = IPaymentRouter.Share(provider, uint256(weights[i]) + 1);
            sum += shares[i].weight;
        }
        uint256[] memory amounts = router.splitAmounts(amount, shares);
        uint256 total;
        for (uint256 i = 0; i < 9; ++i) {
            total += amounts[i];
        }
        vm.assertEq(total, amount);
    }

    function test_fuzz_split_is_fair_to_a_unit(uint128 amount, uint64[9] memory weights) public view {
        IPaymentRouter.Share[] memory shares = new IPaymentRouter.Share[](9);
        uint256 sum;
        for (uint256 i = 0; i < 9; ++i) {
            shares[i] = IPaymentRouter.Share(provider, uint256(weights[i]) + 1);
            sum += shares[i].weight;
        }
        uint256[] memory amounts = router.splitAmounts(amount, shares);
        for (uint256 i = 0; i < 9; ++i) {
            uint256 exact = uint256(amount) * shares[i].weight / sum;
            vm.assertTrue(amounts[i] == exact || amounts[i] == exact + 1);
        }
    }

    function test_fuzz_split_pays_to_the_unit(uint64 amount, uint64 first, uint64 second) public {
        uint256 value = uint256(amount) + 1;
        token.mint(payer, value);
        vm.startPrank(payer);
        token.approve(address(router), value);
        router.splitPay(splitOf(address(token), value, uint256(first) + 1, uint256(second) + 1));
        vm.assertEq(token.balanceOf(payer), FUNDS);
        vm.assertEq(token.balanceOf(provider) + token.balanceOf(other), value);
        assertKeepsNothing();
    }

    function test_split_refuses_no_shares() public {
        IPaymentRouter.Split memory split = splitOf(address(token), 1, 1, 1);
        split.shares = new IPaymentRouter.Share[](0);
        refuse(split, abi.encodePacked(IPaymentRouter.NothingToPay.selector));
    }

    function test_split_refuses_zero_weight() public {
        refuse(splitOf(address(token), 1, 1, 0), abi.encodeWithSelector(IPaymentRouter.ZeroWeight.selector, 1));
    }

    function test_split_refuses_zero_amount() public {
        refuse(splitOf(address(token), 0, 1, 1), abi.encodeWithSelector(IPaymentRouter.ZeroAmount.selector, 0));
    }

    function test_split_refuses_invalid_payees() public {
        IPaymentRouter.Split memory split = splitOf(address(token), 10, 1, 1);
        split.shares[1].to = address(0);
        refuse(split, abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 1, address(0)));
        split.shares[1].to = address(router);
        refuse(split, abi.encodeWithSelector(IPaymentRouter.InvalidRecipient.selector, 1, address(router)));
    }

    function test_split_refuses_weights_that_overflow() public {
        refuse(splitOf(address(token), 1, type(uint256).max, 1), abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    function test_split_refuses_another_value() public {
        expect(abi.encodeWithSelector(IPaymentRouter.WrongValue.selector, 10, 9));
        vm.prank(payer);
        router.splitPay{value: 9}(splitOf(address(0), 10, 1, 1));
    }

    function test_split_is_all_or_nothing() public {
        IPaymentRouter.Split memory split = splitOf(address(0), 10, 1, 1);
        split.shares[1].to = address(new Coinless());
        expect(abi.encodeWithSelector(IPaymentRouter.PaymentFailed.selector, split.shares[1].to, 5));
        vm.prank(payer);
        router.splitPay{value: 10}(split);
        vm.assertEq(provider.balance, 0);
    }

    function refuse(IPaymentRouter.Split memory split, bytes memory reason) private {
        expect(reason);
        vm.prank(payer);
        router.splitPay(split);
    }
}
