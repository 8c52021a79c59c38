// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevUSD} from "../../devnet/DevUSD.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {Test} from "../support/Test.sol";

/// @notice What the holder of a key signs so that a router may take its money: valid for a minute.
abstract contract Signing is Test {
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function permitDigest(DevUSD token, address holder, address spender, uint256 value, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 kind = token.PERMIT_TYPEHASH();
        return digest(token, keccak256(abi.encode(kind, holder, spender, value, token.nonces(holder), deadline)));
    }

    function permitBy(uint256 key, DevUSD token, address spender, uint256 value)
        internal
        view
        returns (IPaymentRouter.Permit memory)
    {
        uint256 deadline = block.timestamp + 60;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, permitDigest(token, vm.addr(key), spender, value, deadline));
        return IPaymentRouter.Permit(value, deadline, v, r, s);
    }

    function receiveDigest(DevUSD token, address from, address to, uint256 value, bytes32 nonce)
        internal
        view
        returns (bytes32)
    {
        uint256 time = block.timestamp;
        return digest(token, keccak256(abi.encode(RECEIVE, from, to, value, time - 1, time + 60, nonce)));
    }

    function authorizationBy(uint256 key, DevUSD token, address to, uint256 value, bytes32 nonce)
        internal
        view
        returns (IPaymentRouter.Authorization memory)
    {
        (address from, uint256 time) = (vm.addr(key), block.timestamp);
        bytes memory signed = signature(key, receiveDigest(token, from, to, value, nonce));
        return IPaymentRouter.Authorization(from, time - 1, time + 60, signed);
    }

    function digest(DevUSD token, bytes32 content) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), content));
    }
}
