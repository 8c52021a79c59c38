// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "../support/Test.sol";
import {Limit, LimitTooHigh, TooManyDigits} from "../../src/libraries/Limit.sol";

contract LimitTest is Test {
    uint256 private constant HIGHEST = (1 << 112) - 1;
    uint256 private constant DIGITS = (1 << 34) - 1;
    Limit private constant NONE = Limit.wrap(0);

    function test_no_limit_does_not_exist() public pure {
        vm.assertFalse(NONE.exists());
        vm.assertFalse(NONE.withCount(1, 1).exists());
        vm.assertFalse(NONE.withRules(0, 5, 5).exists());
        vm.assertTrue(NONE.withRules(1, 0, 0).exists());
    }

    function test_fuzz_limit_keeps_what_it_is_given(
        uint256[3] memory digits,
        uint256 power,
        uint256 number,
        uint256 count
    ) public pure {
        power = bound(power, 0, 22);
        number = bound(number, 0, (1 << 24) - 1);
        count = bound(count, 0, HIGHEST);
        uint256[3] memory amounts;
        for (uint256 i = 0; i < 3; ++i) {
            amounts[i] = bound(digits[i], 1, DIGITS) * 10 ** power;
        }
        Limit limit = NONE.withRules(amounts[0], amounts[1], amounts[2]).withCount(number, count);
        vm.assertEq(limit.perDay(), amounts[0]);
        vm.assertEq(limit.perPayment(), amounts[1]);
        vm.assertEq(limit.approvalAbove(), amounts[2]);
        vm.assertEq(limit.window(), number);
        vm.assertEq(limit.counted(), count);
        vm.assertEq(Limit.unwrap(limit.withRules(0, amounts[1], amounts[2])), count << 24 | number);
    }

    function test_fuzz_remaining_is_never_below_zero(uint256 day, uint256 count) public pure {
        day = bound(day, 1, DIGITS);
        uint256 left = NONE.withRules(day, 0, 0).remaining(count);
        vm.assertEq(left, count < day ? day - count : 0);
    }

    function test_limit_takes_the_most_digits_and_the_highest_amount_there_are() public pure {
        vm.assertEq(NONE.withRules(DIGITS, 0, 0).perDay(), DIGITS);
        uint256 high = 5192296858 * 10 ** 24;
        vm.assertLe(high, HIGHEST);
        vm.assertEq(NONE.withRules(high, high, high).approvalAbove(), high);
    }

    function test_limit_is_refused_when_digits_would_be_lost() public {
        vm.expectRevert(abi.encodeWithSelector(TooManyDigits.selector, DIGITS + 2));
        this.withRules(1, DIGITS + 2, 0);
    }

    function test_limit_is_refused_when_it_is_too_high() public {
        vm.expectRevert(abi.encodeWithSelector(LimitTooHigh.selector, HIGHEST + 1));
        this.withRules(1, 0, HIGHEST + 1);
        vm.expectRevert(abi.encodeWithSelector(LimitTooHigh.selector, HIGHEST + 1));
        this.withRules(HIGHEST + 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(TooManyDigits.selector, HIGHEST));
        this.withRules(HIGHEST, 0, 0);
    }

    function withRules(uint256 day, uint256 payment, uint256 threshold) external pure returns (Limit) {
        return NONE.withRules(day, payment, threshold);
    }
}
