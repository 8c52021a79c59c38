// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevUSD} from "../../devnet/DevUSD.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {IUsdc} from "../support/Usdc.sol";
import {AgreeableWallet} from "../router/Tokens.sol";

contract ReservationsTest is WalletTest {
    uint256 private constant MIDNIGHT = (DAY + 1) * 1 days;
    uint256 private constant VALUE = 5e6;

    IAgentWallet.Authorization private a;

    function setUp() public override {
        super.setUp();
        a = authorization(VALUE, NOON + 60, "nonce");
    }

    // Reserving ----------------------------------------------------------------------------------------------------

    function test_reserved_authorization_is_taken_by_the_token() public {
        reserve(a);
        vm.assertEq(wallet.counted(address(usdc), DAY), VALUE);
        use(a);
        vm.assertEq(usdc.balanceOf(payee), VALUE);
        vm.assertEq(wallet.counted(address(usdc), DAY), VALUE);
    }

    function test_reserved_authorization_is_taken_by_the_devnets_token() public {
        DevUSD dev = new DevUSD();
        dev.mint(address(wallet), VALUE);
        IAgentWallet.TokenLimit memory limit = limitOf(address(dev));
        (limit.name, limit.version) = (dev.name(), dev.version());
        vm.prank(owner);
        wallet.setLimit(limit);
        a.token = address(dev);
        reserve(a);
        use(a);
        vm.assertEq(dev.balanceOf(payee), VALUE);
    }

    function test_reserving_is_told() public {
        bytes32 digest = wallet.authorizationDigest(a);
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Reserved(digest, operator, address(usdc), payee, VALUE, NOON + 60, "nonce");
        reserve(a);
        (IAgentWallet.Status status, address by, uint256 end, uint256 window) = wallet.reservation(digest);
        vm.assertTrue(status == IAgentWallet.Status.Reserved);
        vm.assertEq(by, operator);
        vm.assertEq(end, NOON + 60);
        vm.assertEq(window, DAY);
    }

    function test_digest_is_that_of_the_token() public view {
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                address(wallet),
                payee,
                VALUE,
                0,
                NOON + 60,
                bytes32("nonce")
            )
        );
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), message));
        vm.assertEq(wallet.authorizationDigest(a), expected);
    }

    function test_batch_of_authorizations_counts_each_and_all_or_none() public {
        IAgentWallet.Authorization[] memory five = _several(5, 20e6);
        vm.prank(operator);
        wallet.reserve(five);
        vm.assertEq(wallet.remainingToday(address(usdc)), 0);
        IAgentWallet.Authorization[] memory six = _several(1, 0);
        six[0].nonce = "other";
        six[0].value = 1;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 1, 0, DAY));
        vm.prank(operator);
        wallet.reserve(six);
    }

    function test_batch_of_authorizations_is_undone_when_one_is_refused() public {
        IAgentWallet.Authorization[] memory two = _several(2, 20e6);
        two[1].to = anybody;
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, anybody));
        vm.prank(operator);
        wallet.reserve(two);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_reserving_obeys_the_rules_of_payments() public {
        a.value = PER_PAYMENT + 1;
        _refused(abi.encodeWithSelector(IAgentWallet.AbovePerPayment.selector, address(usdc), a.value, PER_PAYMENT));
        a.value = APPROVAL_ABOVE + 1;
        _refused(abi.encodeWithSelector(IAgentWallet.ApprovalRequired.selector, address(usdc), a.value, APPROVAL_ABOVE));
        a.value = VALUE;
        a.to = address(wallet);
        _refused(abi.encodeWithSelector(IAgentWallet.PayeeNotAllowed.selector, address(wallet)));
        vm.prank(guardian);
        wallet.pause();
        _refused(abi.encodeWithSelector(IAgentWallet.WalletPaused.selector));
    }

    function test_reserving_is_refused_to_others() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, owner));
        vm.prank(owner);
        wallet.reserve(list(a));
    }

    function test_reserving_is_refused_without_a_domain_and_for_removed_tokens() public {
        IAgentWallet.TokenLimit memory limit = limitOf(address(usdc));
        limit.perDay = 0;
        vm.prank(owner);
        wallet.setLimit(limit);
        _refused(abi.encodeWithSelector(IAgentWallet.TokenNotAllowed.selector, address(usdc)));
        a.token = address(0);
        _refused(abi.encodeWithSelector(IAgentWallet.DomainUnknown.selector, address(0), block.chainid));
    }

    function test_reserving_is_refused_for_more_than_ten_minutes_and_for_the_past() public {
        a.validBefore = NOON + 601;
        _refused(abi.encodeWithSelector(IAgentWallet.ValidityTooLong.selector, NOON + 601, NOON + 600));
        a.validBefore = NOON;
        _refused(abi.encodeWithSelector(IAgentWallet.AuthorizationExpired.selector, NOON, NOON));
        a.validBefore = NOON + 600;
        reserve(a);
        a.validBefore = NOON + 1;
        reserve(a);
    }

    function test_reserving_is_refused_twice() public {
        bytes32 digest = reserve(a);
        _refused(abi.encodeWithSelector(IAgentWallet.AuthorizationAlreadyReserved.selector, digest));
        vm.prank(operator);
        wallet.revoke(list(a));
        _refused(abi.encodeWithSelector(IAgentWallet.AuthorizationAlreadyReserved.selector, digest));
    }

    // Reserving by signature ---------------------------------------------------------------------------------------

    function test_anybody_submits_what_an_operator_signed() public {
        _reserveSigned(signature(operatorKey, reserveDigest(address(wallet), a)));
        use(a);
        vm.assertEq(usdc.balanceOf(payee), VALUE);
    }

    function test_digest_for_the_operator_is_the_eip712_hash_of_its_words() public view {
        vm.assertEq(wallet.reserveDigest(list(a)), reserveDigest(address(wallet), a));
    }

    function test_submitting_again_does_no_harm() public {
        bytes memory signed = signature(operatorKey, reserveDigest(address(wallet), a));
        _reserveSigned(signed);
        _reserveSigned(signed);
        vm.assertEq(wallet.counted(address(usdc), DAY), VALUE);
    }

    function test_submitting_is_refused_after_revocation() public {
        bytes memory signed = signature(operatorKey, reserveDigest(address(wallet), a));
        _reserveSigned(signed);
        vm.prank(owner);
        wallet.revoke(list(a));
        bytes32 digest = wallet.authorizationDigest(a);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationAlreadyReserved.selector, digest));
        _reserveSigned(signed);
    }

    function test_submitting_is_refused_when_the_signer_is_no_operator() public {
        (address stranger, uint256 key) = account("stranger");
        bytes memory signed = signature(key, reserveDigest(address(wallet), a));
        bytes32 digest = wallet.reserveDigest(list(a));
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, stranger));
        wallet.reserveSigned(list(a), stranger, signed);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidOperatorSignature.selector, operator, digest));
        wallet.reserveSigned(list(a), operator, signed);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, address(0)));
        wallet.reserveSigned(list(a), address(0), signed);
    }

    function test_submitting_is_refused_with_a_malleable_signature() public {
        bytes32 digest = wallet.reserveDigest(list(a));
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidOperatorSignature.selector, operator, digest));
        _reserveSigned(malleable(operatorKey, digest));
    }

    function test_submitting_is_refused_for_another_wallet_and_another_chain() public {
        bytes memory other = signature(operatorKey, reserveDigest(factory.walletOf(owner, "other"), a));
        bytes32 digest = wallet.reserveDigest(list(a));
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidOperatorSignature.selector, operator, digest));
        _reserveSigned(other);
        bytes memory here = signature(operatorKey, digest);
        vm.chainId(4242);
        bytes32 there = wallet.reserveDigest(list(a));
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidOperatorSignature.selector, operator, there));
        _reserveSigned(here);
    }

    function test_submitting_is_refused_when_the_authorization_is_expired() public {
        bytes memory signed = signature(operatorKey, reserveDigest(address(wallet), a));
        vm.warp(NOON + 60);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationExpired.selector, NOON + 60, NOON + 60));
        _reserveSigned(signed);
    }

    function test_operator_can_be_a_contract() public {
        address agreeable = address(new AgreeableWallet());
        vm.prank(owner);
        wallet.setOperator(agreeable, true);
        wallet.reserveSigned(list(a), agreeable, "");
        vm.assertTrue(confirms(a));
    }

    // ERC-1271 -----------------------------------------------------------------------------------------------------

    function test_confirms_what_is_reserved_and_nothing_else() public {
        vm.assertFalse(confirms(a));
        reserve(a);
        vm.assertTrue(confirms(a));
        a.value += 1;
        vm.assertFalse(confirms(a));
    }

    function test_answers_a_wrong_digest_with_a_word_of_refusal() public {
        reserve(a);
        vm.assertEq(bytes32(wallet.isValidSignature("x", abi.encode(a))), bytes32(bytes4(0xffffffff)));
    }

    function test_confirms_until_the_last_second() public {
        reserve(a);
        vm.warp(NOON + 59);
        vm.assertTrue(confirms(a));
        vm.warp(NOON + 60);
        vm.assertFalse(confirms(a));
    }

    function test_confirms_nothing_that_is_used() public {
        reserve(a);
        use(a);
        vm.assertFalse(confirms(a));
    }

    function test_confirms_nothing_that_is_revoked() public {
        reserve(a);
        vm.prank(operator);
        wallet.revoke(list(a));
        vm.assertFalse(confirms(a));
        vm.expectRevert(bytes("FiatTokenV2: invalid signature"));
        use(a);
    }

    function test_confirms_nothing_while_paused() public {
        reserve(a);
        vm.prank(guardian);
        wallet.pause();
        vm.assertFalse(confirms(a));
        vm.prank(owner);
        wallet.unpause();
        vm.assertTrue(confirms(a));
    }

    function test_confirms_nothing_when_its_operator_is_removed() public {
        vm.prank(owner);
        wallet.setOperator(anybody, true);
        reserve(a);
        vm.prank(owner);
        wallet.setOperator(operator, false);
        vm.assertFalse(confirms(a));
    }

    function test_confirms_only_with_the_authorization_as_signature() public {
        bytes32 digest = reserve(a);
        bytes memory whole = abi.encode(a);
        bytes[5] memory wrong =
            [bytes(""), new bytes(65), new bytes(192), abi.encodePacked(whole, uint8(0)), abi.encode(a, a)];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.assertEq(bytes32(wallet.isValidSignature(digest, wrong[i])), bytes32(bytes4(0xffffffff)));
        }
    }

    function test_fuzz_confirms_only_the_exact_words(uint256 word, uint256 change) public {
        bytes32 digest = reserve(a);
        word = bound(word, 0, 5);
        vm.assume(change != 0 && (word != 0 || change << 96 != 0));
        bytes memory signed = abi.encode(a);
        assembly {
            let at_ := add(add(signed, 0x20), mul(word, 0x20))
            mstore(at_, xor(mload(at_), change))
        }
        vm.assertEq(bytes32(wallet.isValidSignature(digest, signed)), bytes32(bytes4(0xffffffff)));
    }

    function test_confirms_nothing_on_another_chain() public {
        bytes32 digest = reserve(a);
        vm.chainId(4242);
        vm.assertEq(bytes32(wallet.isValidSignature(digest, abi.encode(a))), bytes32(bytes4(0xffffffff)));
    }

    function test_removed_and_enabled_operator_is_recognised_by_either_record() public {
        vm.prank(owner);
        wallet.setOperator(anybody, true);
        vm.prank(anybody);
        wallet.reserve(list(a));
        vm.assertTrue(confirms(a));
        vm.prank(owner);
        wallet.setOperator(anybody, false);
        vm.assertFalse(confirms(a));
    }

    // Giving back --------------------------------------------------------------------------------------------------

    function test_expired_authorization_is_given_back_once_by_anybody() public {
        bytes32 digest = reserve(a);
        vm.warp(NOON + 60);
        vm.expectEmit(address(wallet));
        emit IAgentWallet.Released(digest, anybody);
        _release();
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationNotReserved.selector, digest));
        _release();
    }

    function test_giving_back_is_refused_before_expiry() public {
        reserve(a);
        vm.warp(NOON + 59);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationNotExpired.selector, NOON + 60, NOON + 59));
        _release();
    }

    function test_giving_back_is_refused_when_used() public {
        bytes32 digest = reserve(a);
        use(a);
        vm.warp(NOON + 60);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationUsed.selector, digest));
        _release();
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationUsed.selector, digest));
        vm.prank(operator);
        wallet.revoke(list(a));
        vm.assertEq(wallet.counted(address(usdc), DAY), VALUE);
    }

    function test_giving_back_is_refused_when_never_reserved() public {
        bytes32 digest = wallet.authorizationDigest(a);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationNotReserved.selector, digest));
        vm.prank(operator);
        wallet.revoke(list(a));
    }

    function test_revoking_gives_back_at_once_and_is_for_operators_and_the_owner() public {
        reserve(a);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, anybody));
        vm.prank(anybody);
        wallet.revoke(list(a));
        vm.prank(owner);
        wallet.revoke(list(a));
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_one_of_two_with_the_same_nonce_is_used_and_the_other_is_never_given_back() public {
        reserve(a);
        IAgentWallet.Authorization memory twin = a;
        twin.value = VALUE + 1;
        bytes32 digest = reserve(twin);
        use(a);
        vm.warp(NOON + 60);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.AuthorizationUsed.selector, digest));
        wallet.release(list(twin));
        vm.assertEq(wallet.counted(address(usdc), DAY), 2 * VALUE + 1);
    }

    // Midnight -----------------------------------------------------------------------------------------------------

    function test_authorization_over_midnight_counts_in_both_days() public {
        _overMidnight();
        vm.assertEq(wallet.counted(address(usdc), DAY), VALUE);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), VALUE);
        vm.warp(MIDNIGHT + 100);
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY - VALUE);
        use(a);
        pay(address(usdc), payee, 20e6);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), VALUE + 20e6);
    }

    function test_authorization_that_ends_at_midnight_counts_in_one_day() public {
        vm.warp(MIDNIGHT - 100);
        a.validBefore = MIDNIGHT;
        reserve(a);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), 0);
        a.validBefore = MIDNIGHT + 1;
        reserve(a);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), VALUE);
    }

    function test_authorization_over_midnight_is_refused_when_the_day_is_full() public {
        vm.warp(MIDNIGHT - 100);
        a.validBefore = MIDNIGHT + 10;
        a.value = 25e6;
        for (uint256 i = 0; i < 4; ++i) {
            a.nonce = bytes32(i);
            reserve(a);
        }
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), PER_DAY);
        a.nonce = "more";
        a.value = 1;
        _refused(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 1, 0, DAY));
        vm.warp(MIDNIGHT + 1);
        _refused(abi.encodeWithSelector(IAgentWallet.AbovePerDay.selector, address(usdc), 1, 0, DAY + 1));
    }

    function test_given_back_before_midnight_it_leaves_both_days_whole() public {
        _overMidnight();
        vm.prank(operator);
        wallet.revoke(list(a));
        vm.assertEq(wallet.counted(address(usdc), DAY), 0);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), 0);
    }

    function test_given_back_after_midnight_it_leaves_the_new_day_whole() public {
        _overMidnight();
        vm.warp(MIDNIGHT + 100);
        pay(address(usdc), payee, 1e6);
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), VALUE + 1e6);
        vm.warp(MIDNIGHT + 200);
        _release();
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), 1e6);
    }

    function test_given_back_after_midnight_before_anything_else_it_leaves_the_new_day_whole() public {
        _overMidnight();
        vm.warp(MIDNIGHT + 200);
        _release();
        vm.assertEq(wallet.remainingToday(address(usdc)), PER_DAY);
    }

    function test_credit_goes_to_the_day_of_the_reservation_and_never_to_a_later_one() public {
        vm.warp(MIDNIGHT - 100);
        a.validBefore = MIDNIGHT;
        reserve(a);
        vm.warp(MIDNIGHT + 1);
        pay(address(usdc), payee, 7e6);
        _release();
        vm.assertEq(wallet.counted(address(usdc), DAY + 1), 7e6);
    }

    function test_credit_of_days_past_changes_nothing() public {
        _overMidnight();
        vm.warp(MIDNIGHT + 3 days);
        pay(address(usdc), payee, 7e6);
        _release();
        vm.assertEq(wallet.counted(address(usdc), DAY + 4), 7e6);
    }

    // A token that lies --------------------------------------------------------------------------------------------

    function test_domain_separator_of_the_token_is_never_asked() public {
        vm.mockCallRevert(address(usdc), abi.encodeCall(IUsdc.DOMAIN_SEPARATOR, ()), "asked");
        reserve(a);
        vm.assertTrue(confirms(a));
    }

    function _overMidnight() private {
        vm.warp(MIDNIGHT - 100);
        a.validBefore = MIDNIGHT + 200;
        reserve(a);
    }

    function _several(uint256 count, uint256 value) private view returns (IAgentWallet.Authorization[] memory made) {
        made = new IAgentWallet.Authorization[](count);
        for (uint256 i = 0; i < count; ++i) {
            made[i] = authorization(value, block.timestamp + 300, bytes32(i));
        }
    }

    function _refused(bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(operator);
        wallet.reserve(list(a));
    }

    function _reserveSigned(bytes memory signed) private {
        vm.prank(anybody);
        wallet.reserveSigned(list(a), operator, signed);
    }

    function _release() private {
        vm.prank(anybody);
        wallet.release(list(a));
    }
}
