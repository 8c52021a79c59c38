// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {DevUSD} from "../../devnet/DevUSD.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {AgreeableWallet, ImpostorToken} from "./Tokens.sol";

/// @notice Permits and authorizations: whose money they move, where to, and how often.
contract RouterFundingTest is RouterTest {
    // permits

    function test_permit_funds_a_batch() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        vm.prank(payer);
        router.batchPayWithPermit(batchOf(address(token), 70, 30), permit);
        vm.assertEq(token.balanceOf(provider), 70);
        vm.assertEq(token.balanceOf(other), 30);
        vm.assertEq(token.allowance(payer, address(router)), 0);
        assertKeepsNothing();
    }

    function test_permit_funds_a_split() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        vm.prank(payer);
        router.splitPayWithPermit(splitOf(address(token), 100, 1, 1), permit);
        vm.assertEq(token.balanceOf(provider), 50);
        assertKeepsNothing();
    }

    function test_permit_that_somebody_used_already_does_no_harm() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        vm.prank(anybody);
        token.permit(payer, address(router), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(payer);
        router.batchPayWithPermit(batchOf(address(token), 70, 30), permit);
        vm.assertEq(token.balanceOf(provider), 70);
    }

    function test_permit_moves_only_the_callers_money() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        vm.expectRevert(bytes("ERC20: transfer amount exceeds allowance"));
        vm.prank(anybody);
        router.batchPayWithPermit(batchOf(address(token), 70, 30), permit);
    }

    function test_permit_that_gives_no_allowance_moves_nothing() public {
        takeAllowance();
        uint256 deadline = block.timestamp + 60;
        IPaymentRouter.Permit memory permit = permitOf(100);
        permitMovesNothing(permitBy(uint256(keccak256("other")), token, address(router), 100));
        permitMovesNothing(permitBy(payerKey, token, anybody, 100));
        permitMovesNothing(permitBy(payerKey, new DevUSD(), address(router), 100));
        bytes memory other_ = malleable(payerKey, permitDigest(token, payer, address(router), 100, deadline));
        (bytes32 r, bytes32 s) = abi.decode(other_, (bytes32, bytes32));
        permitMovesNothing(IPaymentRouter.Permit(100, deadline, uint8(other_[64]), r, s));
        vm.chainId(25);
        permitMovesNothing(permit);
        vm.chainId(31337);
        vm.warp(deadline + 1);
        permitMovesNothing(permit);
    }

    function test_permit_pays_once() public {
        takeAllowance();
        IPaymentRouter.Permit memory permit = permitOf(100);
        vm.prank(payer);
        router.batchPayWithPermit(batchOf(address(token), 70, 30), permit);
        permitMovesNothing(permit);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
    }

    function test_permit_needs_a_token() public {
        IPaymentRouter.Permit memory permit = permitOf(100);
        expect(abi.encodeWithSelector(IPaymentRouter.NotAToken.selector, address(0)));
        vm.prank(payer);
        router.batchPayWithPermit(batchOf(address(0), 70, 30), permit);
    }

    // authorizations

    function test_anybody_may_send_an_authorized_batch() public {
        takeAllowance();
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        vm.expectEmit(address(router));
        emit IPaymentRouter.BatchPaid(payer, address(token), MEMO, 100, 2);
        vm.prank(anybody);
        router.batchPayWithAuthorization(batch, authorization);
        vm.assertEq(token.balanceOf(provider), 70);
        vm.assertEq(token.balanceOf(other), 30);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
        assertKeepsNothing();
    }

    function test_anybody_may_send_an_authorized_split() public {
        IPaymentRouter.Split memory split = splitOf(address(token), 100, 3, 1);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.splitNonce(split));
        vm.expectEmit(address(router));
        emit IPaymentRouter.SplitPaid(payer, address(token), MEMO, 100, 2);
        vm.prank(anybody);
        router.splitPayWithAuthorization(split, authorization);
        vm.assertEq(token.balanceOf(provider), 75);
        vm.assertEq(token.balanceOf(other), 25);
        vm.assertEq(token.balanceOf(payer), FUNDS - 100);
        assertKeepsNothing();
    }

    function test_authorized_batch_cannot_be_sent_twice() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        router.batchPayWithAuthorization(batch, authorization);
        vm.expectRevert(bytes("EIP3009: authorization is used or canceled"));
        router.batchPayWithAuthorization(batch, authorization);
    }

    function test_authorized_batch_cannot_be_redirected() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        batch.payments[0].to = anybody;
        refuse(batch, authorization);
        batch = batchOf(address(token), 30, 70);
        refuse(batch, authorization);
        batch = batchOf(address(token), 70, 30);
        batch.memo = "another";
        refuse(batch, authorization);
        batch.memo = MEMO;
        batch.itemized = true;
        refuse(batch, authorization);
    }

    function test_authorized_split_cannot_be_redirected() public {
        IPaymentRouter.Split memory split = splitOf(address(token), 100, 3, 1);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.splitNonce(split));
        split.shares[0].weight = 2;
        vm.expectRevert(bytes("EIP712: invalid signature"));
        router.splitPayWithAuthorization(split, authorization);
    }

    function test_authorization_is_for_one_entry() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        bytes32 nonce = keccak256(abi.encode(router.splitPayWithAuthorization.selector, batch));
        vm.assertNotEq(router.batchNonce(batch), nonce);
        refuse(batch, authorizationOf(100, nonce));
    }

    function test_nonces_are_hashes_of_entry_and_content() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Split memory split = splitOf(address(token), 100, 3, 1);
        IPaymentRouter.ServicePayment memory payment = serviceOf(address(token), 9);
        vm.assertEq(router.batchNonce(batch), keccak256(abi.encode(router.batchPayWithAuthorization.selector, batch)));
        vm.assertEq(router.splitNonce(split), keccak256(abi.encode(router.splitPayWithAuthorization.selector, split)));
        vm.assertEq(
            router.serviceNonce(payment), keccak256(abi.encode(router.payForServiceWithAuthorization.selector, payment))
        );
    }

    function test_authorization_of_another_chain_is_refused() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        vm.chainId(25);
        refuse(batch, authorization);
    }

    function test_authorization_of_another_payer_router_or_token_is_refused() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        PaymentRouter another = new PaymentRouter();
        vm.expectRevert(bytes("EIP712: invalid signature"));
        another.batchPayWithAuthorization(batch, authorization);
        batch.token = address(new DevUSD());
        refuse(batch, authorization);
        batch.token = address(token);
        authorization.from = other;
        refuse(batch, authorization);
    }

    /// @notice A payer who signs for a token that lies about its domain has signed for the other token too, yet nothing of that moves.
    function test_token_with_the_domain_of_another_cannot_get_its_money() public {
        ImpostorToken impostor = new ImpostorToken(token.DOMAIN_SEPARATOR());
        IPaymentRouter.Batch memory batch = batchOf(address(impostor), 70, 30);
        bytes32 nonce = router.batchNonce(batch);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, nonce);
        (uint256 from, uint256 until) = (authorization.validAfter, authorization.validBefore);
        expect(abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, address(impostor), 100, 0));
        router.batchPayWithAuthorization(batch, authorization);
        batch.token = address(token);
        refuse(batch, authorization);
        vm.expectRevert(bytes("EIP3009: caller must be the payee"));
        vm.prank(anybody);
        token.receiveWithAuthorization(payer, address(router), 100, from, until, nonce, authorization.signature);
        vm.assertEq(token.balanceOf(payer), FUNDS);
    }

    function test_malleable_authorization_is_refused() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        bytes32 nonce = router.batchNonce(batch);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, nonce);
        authorization.signature = malleable(payerKey, authorizationDigest(100, nonce));
        refuse(batch, authorization);
    }

    function test_expired_and_early_authorizations_are_refused() public {
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        vm.warp(block.timestamp + 60);
        vm.expectRevert(bytes("EIP3009: authorization is expired"));
        router.batchPayWithAuthorization(batch, authorization);
        vm.warp(block.timestamp - 61);
        vm.expectRevert(bytes("EIP3009: authorization is not yet valid"));
        router.batchPayWithAuthorization(batch, authorization);
    }

    function test_contract_authorizes_by_a_signature_of_its_own_form() public {
        address wallet = address(new AgreeableWallet());
        token.mint(wallet, 100);
        IPaymentRouter.Batch memory batch = batchOf(address(token), 70, 30);
        IPaymentRouter.Authorization memory authorization =
            IPaymentRouter.Authorization(wallet, block.timestamp - 1, block.timestamp + 60, "yes");
        router.batchPayWithAuthorization(batch, authorization);
        vm.assertEq(token.balanceOf(wallet), 0);
        vm.assertEq(token.balanceOf(provider), 70);
        vm.assertTrue(token.authorizationState(wallet, router.batchNonce(batch)));
    }

    function test_coins_cannot_be_authorized() public {
        IPaymentRouter.Batch memory batch = batchOf(address(0), 70, 30);
        IPaymentRouter.Authorization memory authorization = authorizationOf(100, router.batchNonce(batch));
        expect(abi.encodePacked(IPaymentRouter.TokenRequired.selector));
        router.batchPayWithAuthorization(batch, authorization);
    }

    function permitMovesNothing(IPaymentRouter.Permit memory permit) private {
        vm.expectRevert(bytes("ERC20: transfer amount exceeds allowance"));
        vm.prank(payer);
        router.batchPayWithPermit(batchOf(address(token), 70, 30), permit);
    }

    function refuse(IPaymentRouter.Batch memory batch, IPaymentRouter.Authorization memory authorization) private {
        vm.expectRevert(bytes("EIP712: invalid signature"));
        router.batchPayWithAuthorization(batch, authorization);
    }
}
