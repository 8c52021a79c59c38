// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IUsdc, UsdcTest} from "../support/Usdc.sol";

/// @notice The least that paying many in one transaction can cost: one pull, bare transfers, no event, no check.
contract Disperse {
    function disperse(IUsdc token, address[] calldata payees, uint256[] calldata amounts, uint256 total) external {
        token.transferFrom(msg.sender, address(this), total);
        for (uint256 i = 0; i < payees.length; ++i) {
            token.transfer(payees[i], amounts[i]);
        }
    }
}

/// @notice Whole transactions over Circle's token, all balances and allowances used before.
/// forge-config: default.isolate = true
contract PaymentRouterGasTest is UsdcTest {
    uint256 private constant PAYMENTS = 50;

    IUsdc private usdc;
    PaymentRouter private router;
    Disperse private floor;
    address private payer = named("payer");

    function setUp() public {
        usdc = deployUsdc();
        router = new PaymentRouter();
        floor = new Disperse();
        usdc.mint(payer, 1e12);
        usdc.mint(named("provider"), 1);
        for (uint256 i = 0; i < PAYMENTS; ++i) {
            usdc.mint(payee(i), 1);
        }
        vm.startPrank(payer);
        usdc.approve(address(router), 1e18);
        usdc.approve(address(floor), 1e18);
        disperse();
        vm.stopPrank();
    }

    function test_gas_batches_stay_near_the_floor() public {
        vm.startPrank(payer);
        disperse();
        uint256 least = vm.snapshotGasLastCall("PaymentRouter", "floor: disperse 50, one pull, no events");
        router.batchPay(batch(false));
        uint256 one = vm.snapshotGasLastCall("PaymentRouter", "batchPay 50, one event");
        router.batchPay(batch(true));
        uint256 each = vm.snapshotGasLastCall("PaymentRouter", "batchPay 50, an event each");
        vm.snapshotValue("PaymentRouter", "batchPay 50, one event: percent of the floor", one * 100 / least);
        vm.snapshotValue("PaymentRouter", "batchPay 50, an event each: percent of the floor", each * 100 / least);
        vm.assertLe(one * 100, least * 110);
        vm.assertLe(each * 100, least * 135);
    }

    function test_gas_payForService() public {
        IPaymentRouter.ServicePayment memory payment;
        (payment.token, payment.provider, payment.amount) = (address(usdc), named("provider"), 1e6);
        vm.prank(payer);
        router.payForService(payment);
        vm.snapshotGasLastCall("PaymentRouter", "payForService");
    }

    function test_gas_charge() public {
        IPaymentRouter.Terms memory terms;
        (terms.token, terms.payee, terms.amount) = (address(usdc), named("provider"), 1e6);
        (terms.cap, terms.period) = (10e6, 1 days);
        vm.prank(payer);
        router.subscribe(terms);
        router.charge(payer, terms);
        vm.warp(block.timestamp + 1 days);
        router.charge(payer, terms);
        vm.snapshotGasLastCall("PaymentRouter", "charge");
    }

    function disperse() private {
        address[] memory payees = new address[](PAYMENTS);
        uint256[] memory amounts = new uint256[](PAYMENTS);
        for (uint256 i = 0; i < PAYMENTS; ++i) {
            (payees[i], amounts[i]) = (payee(i), 1e6);
        }
        floor.disperse(usdc, payees, amounts, PAYMENTS * 1e6);
    }

    function batch(bool itemized) private view returns (IPaymentRouter.Batch memory b) {
        (b.token, b.memo, b.itemized) = (address(usdc), "memo", itemized);
        b.payments = new IPaymentRouter.Payment[](PAYMENTS);
        for (uint256 i = 0; i < PAYMENTS; ++i) {
            b.payments[i] = IPaymentRouter.Payment(payee(i), 1e6);
        }
    }

    function payee(uint256 i) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("payee", i)))));
    }
}
