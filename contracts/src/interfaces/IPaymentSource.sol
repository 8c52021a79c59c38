// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An account that pays when a collector it trusts asks
/// @notice An AgentWallet is one. It gives nobody an allowance: a collector asks, and the wallet sends the money to the collector after the same
///         checks and in the same count as every other payment. So a wallet's limit, payees and pause hold for subscriptions and
///         services too. The collector passes the money on in the same call: only what it received itself can it count as paid,
///         for a transfer straight to the payee could be counted by several collectors at once.
interface IPaymentSource {
    /// @notice Send `amount` of `token` to the caller, for `payee`. Reverts, with the reason, unless exactly that is done.
    /// @param token The token, or zero for the chain's own coin.
    /// @param payee Who receives it from the caller in the same call: whom the account's own rules are asked about.
    /// @param amount Atomic units.
    /// @param ref What the collector collects for: the id of a subscription or of a request. Emitted, not interpreted.
    function collect(address token, address payee, uint256 amount, bytes32 ref) external;
}
