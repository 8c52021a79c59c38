// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {WalletTest} from "../support/WalletTest.sol";

/// @notice Whole transactions, with intrinsic gas: each call below runs as a transaction of its own.
/// forge-config: default.isolate = true
contract AgentWalletGasTest is WalletTest {
    function setUp() public override {
        super.setUp();
        usdc.mint(payee, 1);
        usdc.mint(operator, 10e6);
        pay(address(usdc), payee, 1e6);
    }

    function test_gas_transfer() public {
        vm.prank(operator);
        usdc.transfer(payee, 1e6);
        vm.snapshotGasLastCall("AgentWallet", "bare transfer");
    }

    function test_gas_executePayment() public {
        pay(address(usdc), payee, 1e6);
        vm.snapshotGasLastCall("AgentWallet", "executePayment");
    }
}
