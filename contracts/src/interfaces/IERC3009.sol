// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The part of EIP-3009 by which a payee takes a signed payment
/// @notice Only the payee may send it, so nobody runs ahead of the payee. The form with bytes is newer and lets contracts sign.
interface IERC3009 {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
