// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One slot for one token: what may leave, and what is counted in the latest window in which anything was.
/// @dev From the lowest bit: 24 bits number of the window, 112 bits counted, then three quantities of 40 bits: per day, per payment,
///      approval above. A quantity has 34 bits of digits and, above them, 6 bits of power of ten. That are 10 decimal digits: each limit that
///      a person would set fits exactly, with any number of decimals a token has.
type Limit is uint256;

using {exists, window, counted, perDay, perPayment, approvalAbove, remaining, withCount, withRules} for Limit global;

/// @notice A limit has at most 10 significant digits, and some of 11.
error TooManyDigits(uint256 amount);
/// @notice A limit is below 2^112, so that what is counted is.
error LimitTooHigh(uint256 amount);

uint256 constant _WINDOW = (1 << 24) - 1;
uint256 constant _COUNTED = (1 << 112) - 1;
uint256 constant _STATE = (1 << 136) - 1;
uint256 constant _DIGITS = (1 << 34) - 1;
uint256 constant _POWER = (1 << 6) - 1;

function window(Limit limit) pure returns (uint256) {
    return Limit.unwrap(limit) & _WINDOW;
}

/// @notice What is counted in `window`.
function counted(Limit limit) pure returns (uint256) {
    return Limit.unwrap(limit) >> 24 & _COUNTED;
}

/// @notice False where the token has no limit, and so may not be spent.
function exists(Limit limit) pure returns (bool) {
    return Limit.unwrap(limit) > _STATE;
}

function perDay(Limit limit) pure returns (uint256) {
    return _unpack(Limit.unwrap(limit) >> 136);
}

function perPayment(Limit limit) pure returns (uint256) {
    return _unpack(Limit.unwrap(limit) >> 176);
}

function approvalAbove(Limit limit) pure returns (uint256) {
    return _unpack(Limit.unwrap(limit) >> 216);
}

/// @notice What the day's limit leaves beside `count`.
function remaining(Limit limit, uint256 count) pure returns (uint256) {
    uint256 most = perDay(limit);
    unchecked {
        return count < most ? most - count : 0;
    }
}

/// @param number Of a day, below 2^24 for 45,000 years. @param count At most the day's limit.
function withCount(Limit limit, uint256 number, uint256 count) pure returns (Limit) {
    return Limit.wrap(Limit.unwrap(limit) & ~_STATE | count << 24 | number);
}

/// @notice Other rules, the same count; none where `day` is zero. Never rounds: reverts where digits would be lost.
function withRules(Limit limit, uint256 day, uint256 payment, uint256 threshold) pure returns (Limit) {
    uint256 state = Limit.unwrap(limit) & _STATE;
    if (day == 0) return Limit.wrap(state);
    return Limit.wrap(_pack(threshold) << 216 | _pack(payment) << 176 | _pack(day) << 136 | state);
}

function _pack(uint256 amount) pure returns (uint256) {
    if (amount > _COUNTED) revert LimitTooHigh(amount);
    uint256 digits = amount;
    uint256 power = 0;
    while (digits > _DIGITS) {
        if (digits % 10 != 0) revert TooManyDigits(amount);
        digits /= 10;
        ++power; // at most 24
    }
    return power << 34 | digits;
}

function _unpack(uint256 packed) pure returns (uint256) {
    unchecked {
        return (packed & _DIGITS) * 10 ** (packed >> 34 & _POWER); // below 2^112, as it was packed
    }
}
