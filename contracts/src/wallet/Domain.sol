// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Eip3009} from "../libraries/Eip3009.sol";

/// @notice The EIP-712 domain of a wallet: its chain and its own address.
/// @dev Nothing is cached, so the code is the same on every chain and can be compared with a published hash.
abstract contract Domain is IERC5267 {
    string private constant _NAME = "Paygent AgentWallet";
    string private constant _VERSION = "1";

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"0f", _NAME, _VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    function _digest(bytes32 message) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                Eip3009.DOMAIN_TYPEHASH,
                keccak256(bytes(_NAME)),
                keccak256(bytes(_VERSION)),
                block.chainid,
                address(this)
            )
        );
        return MessageHashUtils.toTypedDataHash(domain, message);
    }
}
