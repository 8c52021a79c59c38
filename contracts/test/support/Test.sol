// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice What every test stands on: the cheat codes, accounts with keys, and the targets of invariant runs.
/// @dev Our own, because forge-std is not published on npm. forge calls the functions of the last part by their names.
abstract contract Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address[] private _targets;
    FuzzSelector[] private _selectors;

    /// @notice An address and its key, the same for the same name.
    function account(string memory name) internal returns (address who, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        who = vm.addr(key);
        vm.label(who, name);
    }

    function named(string memory name) internal returns (address who) {
        (who,) = account(name);
    }

    /// @notice `value` folded into [low, high].
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        uint256 span = high - low + 1;
        return span == 0 ? value : low + value % span;
    }

    /// @notice Make `steps` calls of a handler as a fuzzer does, drawn by the number of the step. Functions of a handler take words only.
    function walk(address handler, bytes4[] memory selectors, uint256 steps) internal {
        for (uint256 i = 0; i < steps; ++i) {
            bytes32 word = keccak256(abi.encode(i));
            bytes memory words = abi.encode(
                keccak256(abi.encode(word, 1)), keccak256(abi.encode(word, 2)), keccak256(abi.encode(word, 3))
            );
            (bool done,) = handler.call(abi.encodePacked(selectors[uint256(word) % selectors.length], words));
            done; // what a handler refuses, a fuzzer passes over too
        }
    }

    /// @notice r, s, v in the 65 bytes that ECDSA libraries take.
    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @notice The same signature with the other s: valid mathematics that must be refused.
    function malleable(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        return abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    /// @notice Creation code from an artifact of an npm package, path below node_modules.
    function npmBytecode(string memory path, string memory key) internal view returns (bytes memory) {
        return vm.parseBytes(vm.parseJsonString(vm.readFile(string.concat("node_modules/", path)), key));
    }

    function create(bytes memory code) internal returns (address created) {
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        vm.assertTrue(created != address(0), "creation failed");
    }

    function target(address handler) internal {
        _targets.push(handler);
    }

    function target(address handler, bytes4[] memory selectors) internal {
        _targets.push(handler);
        _selectors.push(FuzzSelector(handler, selectors));
    }

    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return _selectors;
    }
}
