// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An account that pays when a collector it trusts asks
/// @notice An AgentWallet is one. It gives nobody an allowance: a collector asks, and the wallet pays the payee itself, after the
///         same checks and in the same count as every other payment. So money never passes through the collector, and a wallet's
///         limit, payees and pause hold for subscriptions and services too.
interface IPaymentSource {
    /// @notice Pay `amount` of `token` to `payee`. Reverts, with the reason, unless exactly that is done.
    /// @param token The token, or zero for the chain's own coin.
    /// @param payee Who receives, directly from the account.
    /// @param amount Atomic units.
    /// @param ref What the collector collects for: the id of a subscription or of a request. Emitted, not interpreted.
    function collect(address token, address payee, uint256 amount, bytes32 ref) external;
}
