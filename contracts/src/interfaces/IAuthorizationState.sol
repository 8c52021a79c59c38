// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The one function of an EIP-3009 token that a wallet asks.
interface IAuthorizationState {
    /// @return True once the authorization is used or cancelled.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
}
