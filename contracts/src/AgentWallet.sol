// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IAgentWallet} from "./interfaces/IAgentWallet.sol";
import {WalletMessages} from "./libraries/WalletMessages.sol";
import {Reservations} from "./wallet/Reservations.sol";

/// @title The code behind every AgentWallet
/// @dev A wallet is a clone that carries its owner's address in its own code and delegates to this; the factory that
///      created this contract creates the clones. Settings, Spending and Reservations hold the rest.
contract AgentWallet is Reservations {
    address private immutable _FACTORY = msg.sender;

    /// @notice Native coin arrives without ceremony.
    receive() external payable {}

    /// @inheritdoc IAgentWallet
    function initialize(Configuration calldata configuration, bytes calldata ownerSignature, address caller) external {
        if (msg.sender != _FACTORY) revert NotFactory(msg.sender);
        if (block.timestamp > configuration.deadline) {
            revert ConfigurationExpired(configuration.deadline, block.timestamp);
        }
        address account = owner();
        bytes32 digest = configurationDigest(configuration);
        if (caller != account && !SignatureChecker.isValidSignatureNowCalldata(account, digest, ownerSignature)) {
            revert InvalidOwnerSignature(account, digest);
        }
        _configure(configuration);
        emit Configured(account, digest);
    }

    /// @inheritdoc IAgentWallet
    function configurationDigest(Configuration calldata configuration) public view returns (bytes32) {
        return _digest(WalletMessages.configuration(configuration));
    }
}
