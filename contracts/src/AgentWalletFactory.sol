// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {AgentWallet} from "./AgentWallet.sol";
import {IAgentWallet} from "./interfaces/IAgentWallet.sol";
import {IAgentWalletFactory} from "./interfaces/IAgentWalletFactory.sol";

/// @title The factory of AgentWallets
contract AgentWalletFactory is IAgentWalletFactory {
    /// @inheritdoc IAgentWalletFactory
    address public immutable implementation = address(new AgentWallet());

    /// @inheritdoc IAgentWalletFactory
    function deploy(
        address owner,
        bytes32 salt,
        IAgentWallet.Configuration calldata configuration,
        bytes calldata ownerSignature
    ) external returns (address wallet) {
        wallet = walletOf(owner, salt);
        if (wallet.code.length > 0) revert WalletExists(wallet);
        _deploy(owner, salt, configuration, ownerSignature);
    }

    /// @inheritdoc IAgentWalletFactory
    function deployAndReserve(
        address owner,
        bytes32 salt,
        IAgentWallet.Configuration calldata configuration,
        bytes calldata ownerSignature,
        IAgentWallet.Authorization[] calldata authorizations,
        address operator,
        bytes calldata operatorSignature
    ) external returns (address wallet) {
        wallet = walletOf(owner, salt);
        if (wallet.code.length == 0) _deploy(owner, salt, configuration, ownerSignature);
        IAgentWallet(wallet).reserveSigned(authorizations, operator, operatorSignature);
    }

    /// @inheritdoc IAgentWalletFactory
    function walletOf(address owner, bytes32 salt) public view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, abi.encodePacked(owner), salt);
    }

    function _deploy(
        address owner,
        bytes32 salt,
        IAgentWallet.Configuration calldata configuration,
        bytes calldata ownerSignature
    ) private {
        if (owner == address(0)) revert ZeroOwner();
        address wallet = Clones.cloneDeterministicWithImmutableArgs(implementation, abi.encodePacked(owner), salt);
        IAgentWallet(wallet).initialize(configuration, ownerSignature, msg.sender);
        emit WalletDeployed(wallet, owner, salt);
    }
}
