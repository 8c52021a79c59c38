// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../interfaces/IAgentWallet.sol";

/// @notice The EIP-712 struct hashes of what owners, operators and approvers of an AgentWallet sign.
library WalletMessages {
    bytes32 internal constant TOKEN_LIMIT_TYPEHASH = keccak256(
        "TokenLimit(address token,uint256 perDay,uint256 perPayment,uint256 approvalAbove,string name,string version)"
    );
    bytes32 internal constant CONFIGURATION_TYPEHASH = keccak256(
        "Configuration(address guardian,bool payeesOnly,uint256 approvals,address[] operators,address[] payees,address[] approvers,address[] collectors,TokenLimit[] limits,uint256 deadline)TokenLimit(address token,uint256 perDay,uint256 perPayment,uint256 approvalAbove,string name,string version)"
    );
    bytes32 internal constant AUTHORIZATION_TYPEHASH = keccak256(
        "Authorization(address token,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 internal constant RESERVE_TYPEHASH = keccak256(
        "Reserve(Authorization[] authorizations)Authorization(address token,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 internal constant PAYMENT_TYPEHASH =
        keccak256("Payment(address token,address payee,uint256 amount,bytes32 ref,bytes32 nonce,uint256 deadline)");

    function configuration(IAgentWallet.Configuration calldata c) internal pure returns (bytes32) {
        bytes32[] memory limits = new bytes32[](c.limits.length);
        for (uint256 i = 0; i < limits.length; ++i) {
            limits[i] = _tokenLimit(c.limits[i]);
        }
        return keccak256(
            abi.encode(
                CONFIGURATION_TYPEHASH,
                c.guardian,
                c.payeesOnly,
                c.approvals,
                keccak256(abi.encodePacked(c.operators)),
                keccak256(abi.encodePacked(c.payees)),
                keccak256(abi.encodePacked(c.approvers)),
                keccak256(abi.encodePacked(c.collectors)),
                keccak256(abi.encodePacked(limits)),
                c.deadline
            )
        );
    }

    function reserve(IAgentWallet.Authorization[] calldata authorizations) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](authorizations.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(AUTHORIZATION_TYPEHASH, authorizations[i]));
        }
        return keccak256(abi.encode(RESERVE_TYPEHASH, keccak256(abi.encodePacked(hashes))));
    }

    function payment(address token, address payee, uint256 amount, bytes32 ref, bytes32 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(PAYMENT_TYPEHASH, token, payee, amount, ref, nonce, deadline));
    }

    function _tokenLimit(IAgentWallet.TokenLimit calldata limit) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TOKEN_LIMIT_TYPEHASH,
                limit.token,
                limit.perDay,
                limit.perPayment,
                limit.approvalAbove,
                keccak256(bytes(limit.name)),
                keccak256(bytes(limit.version))
            )
        );
    }
}
