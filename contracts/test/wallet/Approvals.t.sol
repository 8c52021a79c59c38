// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {AgreeableWallet} from "../router/Tokens.sol";

contract ApprovalsTest is WalletTest {
    uint256 private constant AMOUNT = 30e6;
    bytes32 private constant NONCE = "nonce";
    uint256 private constant DEADLINE = NOON + 60;

    function test_approved_payment_is_made_and_counts() public {
        bytes32 digest = _digest();
        vm.expectEmit(address(wallet));
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (approverList[0], approverList[1]);
        emit IAgentWallet.Approved(digest, signers);
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Paid(address(usdc), payee, AMOUNT, operator, REF);
        _execute(approvals(digest, 2));
        vm.assertEq(usdc.balanceOf(payee), AMOUNT);
        vm.assertEq(wallet.counted(address(usdc), DAY), AMOUNT);
        vm.assertTrue(wallet.isPaid(digest));
    }

    function test_approved_payment_takes_more_approvals_than_needed() public {
        _execute(approvals(_digest(), 3));
        vm.assertEq(usdc.balanceOf(payee), AMOUNT);
    }

    function test_approved_payment_is_made_at_its_deadline_and_not_after() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PaymentExpired.selector, DEADLINE, DEADLINE + 1));
        _execute(signed);
        vm.warp(DEADLINE);
        _execute(signed);
        vm.assertEq(usdc.balanceOf(payee), AMOUNT);
    }

    function test_approved_payment_is_made_once() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        IAgentWallet.Approval[] memory more = approvals(_digest(), 3);
        _execute(signed);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PaymentRepeated.selector, _digest()));
        _execute(signed);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PaymentRepeated.selector, _digest()));
        _execute(more);
    }

    function test_approved_payment_is_refused_when_approvals_are_missing() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.ApprovalsMissing.selector, 1, 2));
        _execute(signed);
    }

    function test_approved_payment_is_refused_when_the_wallet_has_no_approvers() public {
        vm.prank(owner);
        wallet.setApprovers(new address[](0), 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.ApprovalsMissing.selector, 0, 0));
        _execute(new IAgentWallet.Approval[](0));
    }

    function test_approved_payment_is_refused_when_one_approver_signs_twice() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        signed[1] = signed[0];
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.ApprovalsUnordered.selector, approverList[0], approverList[0])
        );
        _execute(signed);
        signed = approvals(_digest(), 2);
        (signed[0], signed[1]) = (signed[1], signed[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.ApprovalsUnordered.selector, approverList[1], approverList[0])
        );
        _execute(signed);
    }

    function test_approved_payment_is_refused_when_a_signer_is_no_approver() public {
        address[] memory fewer = new address[](2);
        (fewer[0], fewer[1]) = (approverList[0], approverList[2]);
        vm.prank(owner);
        wallet.setApprovers(fewer, 2);
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotApprover.selector, approverList[1]));
        _execute(signed);
    }

    function test_approved_payment_is_refused_when_a_signature_is_malleable() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        signed[1].signature = malleable(approverKeys[1], _digest());
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidApproval.selector, approverList[1], _digest()));
        _execute(signed);
    }

    function test_approved_payment_is_refused_when_the_signatures_are_for_another_chain() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        vm.chainId(4242);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidApproval.selector, approverList[0], _digest()));
        _execute(signed);
    }

    function test_approved_payment_is_refused_when_the_signatures_are_for_another_wallet() public {
        vm.prank(owner);
        IAgentWallet other = IAgentWallet(factory.deploy(owner, "other", configuration(), ""));
        bytes32 digest = other.paymentDigest(address(usdc), payee, AMOUNT, REF, NONCE, DEADLINE);
        vm.assertNotEq(digest, _digest());
        IAgentWallet.Approval[] memory signed = approvals(digest, 2);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidApproval.selector, approverList[0], _digest()));
        _execute(signed);
    }

    function test_approved_payment_still_obeys_the_other_rules() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perPayment = AMOUNT - 1;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.AbovePerPayment.selector, address(usdc), AMOUNT, AMOUNT - 1)
        );
        _execute(signed);
        (limit.perPayment, limit.perDay) = (AMOUNT, AMOUNT - 1);
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), AMOUNT, AMOUNT - 1, DAY)
        );
        _execute(signed);
        limit.perDay = 0;
        vm.prank(owner);
        wallet.setLimit(limit);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.TokenNotAllowed.selector, address(usdc)));
        _execute(signed);
    }

    function test_approved_payment_is_refused_while_paused_and_to_unlisted_payees() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        vm.prank(owner);
        wallet.setPayee(payee, false);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, payee));
        _execute(signed);
        vm.prank(owner);
        wallet.pause();
        vm.expectRevert(IAgentWallet.WalletPaused.selector);
        _execute(signed);
    }

    function test_approved_payment_is_sent_by_operators_only() public {
        IAgentWallet.Approval[] memory signed = approvals(_digest(), 2);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, anybody));
        vm.prank(anybody);
        wallet.executeApprovedPayment(address(usdc), payee, AMOUNT, REF, NONCE, DEADLINE, signed);
    }

    function test_approver_can_be_a_contract() public {
        address agreeable = address(new AgreeableWallet());
        vm.prank(owner);
        wallet.setApprovers(one(agreeable), 1);
        IAgentWallet.Approval[] memory signed = new IAgentWallet.Approval[](1);
        signed[0] = IAgentWallet.Approval(agreeable, "");
        _execute(signed);
        vm.assertEq(usdc.balanceOf(payee), AMOUNT);
    }

    function test_payment_digest_is_the_eip712_hash_of_its_words() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Paygent AgentWallet"),
                keccak256("1"),
                block.chainid,
                address(wallet)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Payment(address token,address payee,uint256 amount,bytes32 ref,bytes32 nonce,uint256 deadline)"
                ),
                address(usdc),
                payee,
                AMOUNT,
                REF,
                NONCE,
                DEADLINE
            )
        );
        vm.assertEq(keccak256(abi.encodePacked(hex"1901", domain, message)), _digest());
    }

    function _digest() private view returns (bytes32) {
        return wallet.paymentDigest(address(usdc), payee, AMOUNT, REF, NONCE, DEADLINE);
    }

    function _execute(IAgentWallet.Approval[] memory signed) private {
        vm.prank(operator);
        wallet.executeApprovedPayment(address(usdc), payee, AMOUNT, REF, NONCE, DEADLINE, signed);
    }
}
