// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {DevUSD} from "../../devnet/DevUSD.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {Signing} from "./Signing.sol";

/// @notice A router, a token with permits and authorizations, and a payer who has 1,000,000 units and allowed the router all of them.
abstract contract RouterTest is Signing {
    uint256 internal constant FUNDS = 1_000_000;
    bytes32 internal constant MEMO = "invoice 7";

    PaymentRouter internal router;
    DevUSD internal token;
    address internal payer;
    uint256 internal payerKey;
    address internal provider = named("provider");
    address internal other = named("other");
    address internal anybody = named("anybody");

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        router = new PaymentRouter();
        token = new DevUSD();
        (payer, payerKey) = account("payer");
        token.mint(payer, FUNDS);
        vm.prank(payer);
        token.approve(address(router), FUNDS);
        vm.deal(payer, FUNDS);
    }

    function batchOf(address token_, uint256 first, uint256 second)
        internal
        view
        returns (IPaymentRouter.Batch memory batch)
    {
        batch.token = token_;
        batch.memo = MEMO;
        batch.payments = new IPaymentRouter.Payment[](2);
        batch.payments[0] = IPaymentRouter.Payment(provider, first);
        batch.payments[1] = IPaymentRouter.Payment(other, second);
    }

    function splitOf(address token_, uint256 amount, uint256 first, uint256 second)
        internal
        view
        returns (IPaymentRouter.Split memory split)
    {
        split.token = token_;
        split.amount = amount;
        split.memo = MEMO;
        split.shares = new IPaymentRouter.Share[](2);
        split.shares[0] = IPaymentRouter.Share(provider, first);
        split.shares[1] = IPaymentRouter.Share(other, second);
    }

    function serviceOf(address token_, uint256 amount) internal returns (IPaymentRouter.ServicePayment memory) {
        return IPaymentRouter.ServicePayment({
            token: token_,
            provider: provider,
            amount: amount,
            service: "weather",
            agent: named("agent"),
            task: "task",
            quantity: 3,
            requestHash: keccak256("GET /weather")
        });
    }

    function termsOf(address token_) internal view returns (IPaymentRouter.Terms memory) {
        return IPaymentRouter.Terms({
            token: token_,
            payee: provider,
            amount: 100,
            cap: 350,
            start: uint40(block.timestamp + 1 days),
            period: 30 days,
            fromSource: false,
            salt: "first"
        });
    }

    function permitOf(uint256 value) internal view returns (IPaymentRouter.Permit memory) {
        return permitBy(payerKey, token, address(router), value);
    }

    function authorizationOf(uint256 value, bytes32 nonce) internal view returns (IPaymentRouter.Authorization memory) {
        return authorizationBy(payerKey, token, address(router), value, nonce);
    }

    function authorizationDigest(uint256 value, bytes32 nonce) internal view returns (bytes32) {
        return receiveDigest(token, payer, address(router), value, nonce);
    }

    function takeAllowance() internal {
        vm.prank(payer);
        token.approve(address(router), 0);
    }

    /// @notice The next call reverts with exactly this error.
    function expect(bytes memory reason) internal {
        vm.expectRevert(reason);
    }

    function assertKeepsNothing() internal view {
        vm.assertEq(token.balanceOf(address(router)), 0);
        vm.assertEq(address(router).balance, 0);
    }
}
