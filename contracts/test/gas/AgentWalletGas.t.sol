// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {ISafe, MinimalAllowance, SafeTest} from "./Safe.sol";

/// @notice Whole transactions with intrinsic gas over Circle's token behind its proxy. Each measured call runs as a transaction of its own, all its
///         slots non-zero before, the payee funded, every check of the wallet on: operator, pause, payee list, threshold, per payment, per day.
/// forge-config: default.isolate = true
contract AgentWalletGasTest is WalletTest, SafeTest {
    string private constant GROUP = "AgentWallet";
    /// @dev Seen for FiatTokenV2_2 behind its proxy; the measurement fails when the baseline is not that.
    uint256 private constant BARE_TRANSFER = 45_059;

    MinimalAllowance private module;
    ISafe private safe;
    address private second = named("second operator");

    function setUp() public override {
        super.setUp();
        usdc.mint(payee, 1);
        usdc.mint(operator, 10e6);
        pay(address(usdc), payee, 1e6);
        vm.prank(owner);
        wallet.setOperator(second, true);
        safe = deploySafe(owner);
        usdc.mint(address(safe), 100e6);
        module = new MinimalAllowance();
        executeOnSafe(safe, ownerKey, address(safe), abi.encodeCall(ISafe.enableModule, (address(module))));
        bytes memory allow = abi.encodeCall(MinimalAllowance.setAllowance, (operator, address(usdc), 100e6));
        executeOnSafe(safe, ownerKey, address(module), allow);
        vm.prank(operator);
        module.pay(address(safe), address(usdc), payee, 1e6);
    }

    function test_gas_payment_stays_near_a_bare_transfer_and_below_safe() public {
        uint256 bare = _bareTransfer();
        uint256 ours = _payment(operator, "executePayment");
        uint256 another = _payment(second, "executePayment, another operator");
        uint256 theirs = _safeModule();
        _safeTransaction();
        vm.assertEq(bare, BARE_TRANSFER);
        vm.assertLe(ours, bare + 25_000);
        vm.assertEq(another, ours);
        vm.assertLt(ours, theirs);
        vm.snapshotValue(GROUP, "executePayment: above the bare transfer", ours - bare);
    }

    function test_gas_payment_of_coin() public {
        pay(address(0), payee, 1);
        pay(address(0), payee, 1);
        vm.snapshotGasLastCall(GROUP, "executePayment, native coin");
    }

    function test_gas_batch_of_fifty() public {
        IAgentWallet.Share[] memory fifty = new IAgentWallet.Share[](50);
        for (uint256 i = 0; i < 50; ++i) {
            fifty[i] = IAgentWallet.Share(address(uint160(0xB000 + i)), 1e5);
            usdc.mint(fifty[i].payee, 1);
            vm.prank(owner);
            wallet.setPayee(fifty[i].payee, true);
        }
        vm.prank(operator);
        wallet.payBatch(address(usdc), fifty, REF);
        vm.snapshotGasLastCall(GROUP, "payBatch 50");
    }

    function test_gas_approved_payment() public {
        bytes32 digest = wallet.paymentDigest(address(usdc), payee, 26e6, REF, "n", NOON);
        IAgentWallet.Approval[] memory signed = approvals(digest, 2);
        vm.prank(operator);
        wallet.executeApprovedPayment(address(usdc), payee, 26e6, REF, "n", NOON, signed);
        vm.snapshotGasLastCall(GROUP, "executeApprovedPayment, 2 of 3");
    }

    function test_gas_x402() public {
        IAgentWallet.Authorization memory a = authorization(1e6, NOON + 60, "n");
        IAgentWallet.Authorization memory b = authorization(1e6, NOON + 60, "m");
        vm.prank(operator);
        wallet.reserve(list(a));
        vm.snapshotGasLastCall(GROUP, "reserve");
        bytes memory signed = signature(operatorKey, wallet.reserveDigest(list(b)));
        wallet.reserveSigned(list(b), operator, signed);
        vm.snapshotGasLastCall(GROUP, "reserveSigned");
        use(a);
        vm.snapshotGasLastCall(GROUP, "settle a reserved authorization");
        vm.prank(operator);
        wallet.revoke(list(b));
        vm.snapshotGasLastCall(GROUP, "revoke");
    }

    /// @notice However many operators the owner enabled, the guardian's pause is a small transaction.
    function test_gas_pause_of_the_most_operators() public {
        vm.prank(guardian);
        wallet.pause();
        vm.snapshotGasLastCall(GROUP, "pause, 2 operators");
        for (uint256 i = 0; i < 14; ++i) {
            vm.prank(owner);
            wallet.setOperator(address(uint160(0xC000 + i)), true);
        }
        vm.assertEq(wallet.operators().length, 16);
        vm.prank(owner);
        wallet.unpause();
        vm.prank(guardian);
        wallet.pause();
        vm.assertLt(vm.snapshotGasLastCall(GROUP, "pause, 16 operators"), 200_000);
    }

    function test_gas_deploy() public {
        vm.prank(owner);
        factory.deploy(owner, "other", configuration(), "");
        vm.snapshotGasLastCall(GROUP, "deploy with 2 tokens, 1 operator, 1 payee, 3 approvers");
    }

    function _bareTransfer() private returns (uint256) {
        vm.prank(operator);
        usdc.transfer(payee, 1e6);
        return vm.snapshotGasLastCall(GROUP, "bare transfer");
    }

    function _payment(address by, string memory name) private returns (uint256) {
        vm.prank(by);
        wallet.executePayment(address(usdc), payee, 1e6, REF);
        return vm.snapshotGasLastCall(GROUP, name);
    }

    function _safeModule() private returns (uint256) {
        vm.prank(operator);
        module.pay(address(safe), address(usdc), payee, 1e6);
        return vm.snapshotGasLastCall(GROUP, "Safe 1.5 with a minimal allowance module");
    }

    function _safeTransaction() private {
        bytes memory data = abi.encodeCall(usdc.transfer, (payee, 1e6));
        bytes memory signed = safeSignature(safe, ownerKey, address(usdc), data);
        safe.execTransaction(address(usdc), 0, data, 0, 0, 0, 0, address(0), address(0), signed);
        vm.snapshotGasLastCall(GROUP, "Safe 1.5 execTransaction");
    }
}
