// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "./IAgentWallet.sol";

/// @title Deploys AgentWallets at addresses that follow from owner and salt alone
/// @notice Without constructor arguments and without an owner. Deployed through the canonical CREATE2 deployer it has the same
///         address on each chain that has that deployer, and so has each wallet.
interface IAgentWalletFactory {
    event WalletDeployed(address indexed wallet, address indexed owner, bytes32 indexed salt);

    error ZeroOwner();
    error WalletExists(address wallet);

    /// @notice The code that every wallet delegates to, for ever.
    function implementation() external view returns (address);

    /// @notice The address of the wallet of `owner` and `salt`, deployed or not.
    function walletOf(address owner, bytes32 salt) external view returns (address wallet);

    /// @notice Deploy a wallet. Anybody may: the owner's signature says with which configuration on which chain.
    /// @param ownerSignature Over chain, wallet and configuration; not needed when the owner itself calls.
    function deploy(
        address owner,
        bytes32 salt,
        IAgentWallet.Configuration calldata configuration,
        bytes calldata ownerSignature
    ) external returns (address wallet);

    /// @notice Deploy the wallet unless it is there, and reserve authorizations by an operator's signature. The call that an ERC-6492 signature wraps.
    function deployAndReserve(
        address owner,
        bytes32 salt,
        IAgentWallet.Configuration calldata configuration,
        bytes calldata ownerSignature,
        IAgentWallet.Authorization[] calldata authorizations,
        address operator,
        bytes calldata operatorSignature
    ) external returns (address wallet);
}
