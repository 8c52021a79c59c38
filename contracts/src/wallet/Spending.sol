// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Settings} from "./Settings.sol";
import {Limit} from "../libraries/Limit.sol";
import {WalletMessages} from "../libraries/WalletMessages.sol";

/// @notice Payments: checked, counted, then sent. Every amount that operators or collectors move passes `_check` and `_count`.
/// @dev There is no lock, because nothing is decided after a call to another contract except to undo everything: whoever is called may call
///      back, and finds the payment counted. A payment inside a token's transfer takes more than that transfer may, and so reverts both.
abstract contract Spending is Settings {
    using EnumerableSet for EnumerableSet.AddressSet;
    using SafeERC20 for IERC20;

    /// @dev What authorizations over midnight count in a window that nothing else is counted in yet. When it becomes the latest, it starts from this.
    mapping(address token => mapping(uint256 window => uint256)) private _ahead;
    mapping(bytes32 digest => bool) private _paid;

    function executePayment(address token, address payee, uint256 amount, bytes32 ref) external {
        _spend(token, payee, payee, amount, ref, _stateFor(msg.sender).payeesOnly);
    }

    function collect(address token, address payee, uint256 amount, bytes32 ref) external {
        if (!_collectors.contains(msg.sender)) revert NotCollector(msg.sender);
        _spend(token, payee, msg.sender, amount, ref, _stateForOthers().payeesOnly);
    }

    function payBatch(address token, Share[] calldata shares, bytes32 ref) external {
        bool listed = _stateFor(msg.sender).payeesOnly;
        if (shares.length == 0) revert EmptyBatch();
        Limit limit = _limitOf(token);
        uint256 total = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            _checkPayee(shares[i].payee, listed);
            _checkAmount(token, shares[i].amount, limit);
            total += shares[i].amount;
        }
        _checkThreshold(token, total, limit);
        _count(token, total, limit);
        _sendAll(token, shares, total);
        emit BatchPaid(token, total, shares, msg.sender, ref);
    }

    function executeApprovedPayment(
        address token,
        address payee,
        uint256 amount,
        bytes32 ref,
        bytes32 nonce,
        uint256 deadline,
        Approval[] calldata approvals
    ) external {
        State storage state = _stateFor(msg.sender);
        if (block.timestamp > deadline) revert PaymentExpired(deadline, block.timestamp);
        _useApprovals(paymentDigest(token, payee, amount, ref, nonce, deadline), approvals, state.approvals);
        Limit limit = _limitOf(token);
        _check(token, payee, amount, limit, state.payeesOnly);
        _count(token, amount, limit);
        _send(token, payee, amount);
        emit Paid(token, payee, amount, msg.sender, ref);
    }

    function callCollector(address collector, bytes calldata data)
        external
        onlyOperatorOrOwner
        returns (bytes memory result)
    {
        _stateForOthers();
        if (!_collectors.contains(collector)) revert NotCollector(collector);
        bool done;
        (done, result) = collector.call(data);
        if (!done) LowLevelCall.bubbleRevert(result);
    }

    function withdraw(address token, address to, uint256 amount) external onlyOwner returns (uint256 moved) {
        if (to == address(0) || to == address(this)) revert PayeeNotAllowed(to);
        if (token == address(0)) {
            _sendNative(to, amount);
            moved = amount;
        } else {
            moved = _transfer(token, to, amount);
            // slither-disable-next-line incorrect-equality (nothing moved, or something did)
            if (moved > amount || (moved == 0 && amount > 0)) revert AmountNotMoved(token, amount, moved);
        }
        emit Withdrawn(token, to, amount, moved);
    }

    // Views --------------------------------------------------------------------------------------------------------

    function windowOf(uint256 timestamp) public pure returns (uint256) {
        return timestamp / 1 days;
    }

    function counted(address token, uint256 window) external view returns (uint256) {
        return _countedIn(token, window, _limits[token]);
    }

    function remainingToday(address token) external view returns (uint256) {
        Limit limit = _limits[token];
        return limit.remaining(_countedIn(token, windowOf(block.timestamp), limit));
    }

    function paymentDigest(address token, address payee, uint256 amount, bytes32 ref, bytes32 nonce, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _digest(WalletMessages.payment(token, payee, amount, ref, nonce, deadline));
    }

    function isPaid(bytes32 digest) external view returns (bool) {
        return _paid[digest];
    }

    // Checks -------------------------------------------------------------------------------------------------------

    /// @param listed Whether only listed payees may be paid.
    function _check(address token, address payee, uint256 amount, Limit limit, bool listed) internal view {
        _checkPayee(payee, listed);
        _checkAmount(token, amount, limit);
    }

    /// @dev A token without a limit is refused here, so nothing of it is ever counted or sent.
    function _limitOf(address token) internal view returns (Limit limit) {
        limit = _limits[token];
        if (!limit.exists()) revert TokenNotAllowed(token);
    }

    function _checkThreshold(address token, uint256 amount, Limit limit) internal pure {
        uint256 above = limit.approvalAbove();
        if (amount > above) revert ApprovalRequired(token, amount, above);
    }

    /// @dev Before anything is sent. The one place where an amount enters today's count.
    function _count(address token, uint256 amount, Limit limit) internal {
        uint256 today = windowOf(block.timestamp);
        _limits[token] = limit.withCount(today, _sum(token, amount, today, limit));
    }

    /// @dev For an authorization that reaches into the next day.
    function _countAhead(address token, uint256 amount, uint256 window, Limit limit) internal {
        _ahead[token][window] = _sum(token, amount, window, limit);
    }

    /// @dev What a past window counted no longer matters, so nothing is kept of it.
    function _credit(address token, uint256 amount, uint256 window) internal {
        Limit limit = _limits[token];
        uint256 latest = limit.window();
        // slither-disable-next-line incorrect-equality (a window is a day's number)
        if (window == latest) _limits[token] = limit.withCount(window, limit.counted() - amount);
        else if (window > latest) _ahead[token][window] -= amount;
    }

    function _sum(address token, uint256 amount, uint256 window, Limit limit) private view returns (uint256) {
        uint256 before = _countedIn(token, window, limit);
        uint256 remaining = limit.remaining(before);
        if (amount > remaining) revert AbovePerDay(token, amount, remaining, window);
        unchecked {
            return before + amount; // at most the day's limit
        }
    }

    function _countedIn(address token, uint256 window, Limit limit) private view returns (uint256) {
        uint256 latest = limit.window();
        // slither-disable-next-line incorrect-equality (a window is a day's number)
        if (window == latest) return limit.counted();
        return window > latest ? _ahead[token][window] : 0;
    }

    function _checkPayee(address payee, bool listed) private view {
        bool nobody = payee == address(0) || payee == address(this);
        if (nobody || (listed && !_payees.contains(payee))) revert PayeeNotAllowed(payee);
    }

    function _checkAmount(address token, uint256 amount, Limit limit) private pure {
        uint256 perPayment = limit.perPayment();
        if (amount > perPayment) revert AbovePerPayment(token, amount, perPayment);
    }

    function _useApprovals(bytes32 digest, Approval[] calldata approvals, uint256 needed) private {
        if (needed == 0 || approvals.length < needed) revert ApprovalsMissing(approvals.length, needed);
        if (_paid[digest]) revert PaymentRepeated(digest);
        _paid[digest] = true;
        address[] memory signers = new address[](approvals.length);
        address previous = address(0);
        for (uint256 i = 0; i < signers.length; ++i) {
            address approver = approvals[i].approver;
            if (approver <= previous) revert ApprovalsUnordered(previous, approver);
            if (!_approvers.contains(approver)) revert NotApprover(approver);
            if (!SignatureChecker.isValidSignatureNow(approver, digest, approvals[i].signature)) {
                revert InvalidApproval(approver, digest);
            }
            previous = signers[i] = approver;
        }
        emit Approved(digest, signers);
    }

    // Money --------------------------------------------------------------------------------------------------------

    /// @param to The payee, or the collector that passes the money on to the payee.
    function _spend(address token, address payee, address to, uint256 amount, bytes32 ref, bool listed) private {
        Limit limit = _limitOf(token);
        _check(token, payee, amount, limit, listed);
        _checkThreshold(token, amount, limit);
        _count(token, amount, limit);
        _send(token, to, amount);
        emit Paid(token, payee, amount, msg.sender, ref);
    }

    function _send(address token, address payee, uint256 amount) private {
        if (token == address(0)) {
            _sendNative(payee, amount);
        } else {
            uint256 moved = _transfer(token, payee, amount);
            if (moved != amount) revert AmountNotMoved(token, amount, moved);
        }
    }

    function _sendAll(address token, Share[] calldata shares, uint256 total) private {
        if (token == address(0)) {
            for (uint256 i = 0; i < shares.length; ++i) {
                _sendNative(shares[i].payee, shares[i].amount);
            }
            return;
        }
        uint256 before = IERC20(token).balanceOf(address(this));
        for (uint256 i = 0; i < shares.length; ++i) {
            IERC20(token).safeTransfer(shares[i].payee, shares[i].amount);
        }
        uint256 moved = _decrease(token, before);
        if (moved != total) revert AmountNotMoved(token, total, moved);
    }

    /// @dev What the payee returns is not copied: it could be made to cost more than the payment.
    function _sendNative(address payee, uint256 amount) private {
        if (!LowLevelCall.callNoReturn(payee, amount, "")) revert NativeTransferFailed(payee, amount);
    }

    /// @return moved What the wallet's balance went down by, whatever the token answered.
    function _transfer(address token, address to, uint256 amount) private returns (uint256 moved) {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        return _decrease(token, before);
    }

    function _decrease(address token, uint256 before) private view returns (uint256) {
        uint256 left = IERC20(token).balanceOf(address(this));
        return left < before ? before - left : 0;
    }
}
