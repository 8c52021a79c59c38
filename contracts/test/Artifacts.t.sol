// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentWalletFactory} from "../src/AgentWalletFactory.sol";
import {ServiceRegistry} from "../src/ServiceRegistry.sol";
import {Test} from "./support/Test.sol";

/// @notice What the Python package deploys and compares is what the chain makes of it.
contract ArtifactsTest is Test {
    address private constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    function test_artifacts_deploy_to_their_addresses_with_their_code() public {
        _deployed("AgentWalletFactory");
        _deployed("PaymentRouter");
        _deployed("ServiceRegistry");
    }

    function test_wallets_code_is_at_its_address_when_the_factory_is_deployed() public {
        AgentWalletFactory factory = AgentWalletFactory(_deployed("AgentWalletFactory"));
        string memory json = _artifact("AgentWallet");
        vm.assertEq(factory.implementation(), vm.parseJsonAddress(json, ".address"));
        vm.assertEq(factory.implementation().codehash, vm.parseJsonBytes32(json, ".runtimeCodeHash"));
    }

    function test_code_is_the_same_on_every_chain() public {
        vm.chainId(25);
        test_wallets_code_is_at_its_address_when_the_factory_is_deployed();
        _deployed("PaymentRouter");
        ServiceRegistry registry = ServiceRegistry(_deployed("ServiceRegistry"));
        vm.assertEq(address(registry.ROUTER()), vm.parseJsonAddress(_artifact("PaymentRouter"), ".address"));
    }

    function _deployed(string memory name) private returns (address expected) {
        string memory json = _artifact(name);
        expected = vm.parseJsonAddress(json, ".address");
        bytes memory code = vm.parseJsonBytes(json, ".bytecode");
        address[] memory given = abi.decode(vm.parseJson(json, ".constructorArguments"), (address[]));
        for (uint256 i = 0; i < given.length; ++i) {
            code = abi.encodePacked(code, abi.encode(given[i]));
        }
        (bool done, bytes memory result) = DEPLOYER.call(abi.encodePacked(bytes32(0), code));
        vm.assertTrue(done);
        vm.assertEq(address(bytes20(result)), expected);
        vm.assertEq(expected.codehash, vm.parseJsonBytes32(json, ".runtimeCodeHash"));
    }

    function _artifact(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("../src/paygent/evm/artifacts/", name, ".json"));
    }
}
