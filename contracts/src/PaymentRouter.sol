// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPaymentRouter} from "./interfaces/IPaymentRouter.sol";
import {RouterFunds} from "./router/RouterFunds.sol";

/// @title PaymentRouter
/// @notice See IPaymentRouter.
contract PaymentRouter is RouterFunds, ReentrancyGuardTransient {
    /// @dev One slot. `start` is zero where nobody subscribed. `next` is the number of the first period that was not charged.
    struct State {
        uint40 start;
        uint40 next;
        uint40 charges;
        bool cancelled;
    }

    /// @dev By request: 27 bytes of the payment's hash, then 5 of its time. The payment itself is in the event.
    mapping(bytes32 request => uint256) private _receipts;
    mapping(bytes32 subscription => State) private _subscriptions;

    /// @notice Coins of a payment source, during a call; coins sent by mistake go back.
    receive() external payable {
        if (!_reentrancyGuardEntered()) revert CoinRefused(msg.value);
    }

    // batches --------------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRouter
    function batchPay(Batch calldata batch) external payable nonReentrant {
        _batchFromCaller(batch);
    }

    /// @inheritdoc IPaymentRouter
    function batchPayWithPermit(Batch calldata batch, Permit calldata permit) external nonReentrant {
        _usePermit(batch.token, permit);
        _batchFromCaller(batch);
    }

    /// @inheritdoc IPaymentRouter
    function batchPayWithAuthorization(Batch calldata batch, Authorization calldata authorization)
        external
        nonReentrant
    {
        uint256 total = _total(batch.payments);
        uint256 before = _receive(batch.token, total, batchNonce(batch), authorization);
        _payBatch(authorization.from, batch, total);
        _requireBalance(batch.token, before);
    }

    /// @inheritdoc IPaymentRouter
    function batchNonce(Batch calldata batch) public pure returns (bytes32) {
        return keccak256(abi.encode(this.batchPayWithAuthorization.selector, batch));
    }

    // splits ---------------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRouter
    function splitPay(Split calldata split) external payable nonReentrant {
        _splitFromCaller(split);
    }

    /// @inheritdoc IPaymentRouter
    function splitPayWithPermit(Split calldata split, Permit calldata permit) external nonReentrant {
        _usePermit(split.token, permit);
        _splitFromCaller(split);
    }

    /// @inheritdoc IPaymentRouter
    function splitPayWithAuthorization(Split calldata split, Authorization calldata authorization)
        external
        nonReentrant
    {
        uint256 before = _receive(split.token, split.amount, splitNonce(split), authorization);
        _paySplit(authorization.from, split);
        _requireBalance(split.token, before);
    }

    /// @inheritdoc IPaymentRouter
    function splitNonce(Split calldata split) public pure returns (bytes32) {
        return keccak256(abi.encode(this.splitPayWithAuthorization.selector, split));
    }

    /// @inheritdoc IPaymentRouter
    function splitAmounts(uint256 amount, Share[] calldata shares) public pure returns (uint256[] memory amounts) {
        if (shares.length == 0) revert NothingToPay();
        uint256 weights = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            if (shares[i].weight == 0) revert ZeroWeight(i);
            weights += shares[i].weight;
        }
        amounts = new uint256[](shares.length);
        uint256 weight = 0;
        uint256 given = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            weight += shares[i].weight;
            uint256 due = Math.mulDiv(amount, weight, weights);
            amounts[i] = due - given;
            given = due;
        }
    }

    // paid requests --------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRouter
    function payForService(ServicePayment calldata payment) external payable nonReentrant returns (bytes32) {
        return _serveFromCaller(payment);
    }

    /// @inheritdoc IPaymentRouter
    function payForServiceWithPermit(ServicePayment calldata payment, Permit calldata permit)
        external
        nonReentrant
        returns (bytes32)
    {
        _usePermit(payment.token, permit);
        return _serveFromCaller(payment);
    }

    /// @inheritdoc IPaymentRouter
    function payForServiceWithAuthorization(ServicePayment calldata payment, Authorization calldata authorization)
        external
        nonReentrant
        returns (bytes32 request)
    {
        address payer = authorization.from;
        request = _record(payer, payment);
        uint256 before = _receive(payment.token, payment.amount, serviceNonce(payment), authorization);
        _passOn(payment.token, payment.provider, payment.amount, before);
        emit ServicePaid(request, payer, payment.service, payment);
    }

    /// @inheritdoc IPaymentRouter
    function payForServiceFromSource(ServicePayment calldata payment) external nonReentrant returns (bytes32 request) {
        request = _record(msg.sender, payment);
        _collect(msg.sender, payment.token, payment.provider, payment.amount, request);
        emit ServicePaid(request, msg.sender, payment.service, payment);
    }

    /// @inheritdoc IPaymentRouter
    function serviceNonce(ServicePayment calldata payment) public pure returns (bytes32) {
        return keccak256(abi.encode(this.payForServiceWithAuthorization.selector, payment));
    }

    /// @inheritdoc IPaymentRouter
    /// @dev The token is part of it: a token that accepts any signature could otherwise use up a request in its payer's name.
    function requestId(address payer, ServicePayment calldata p) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, p.token, p.service, p.agent, p.task, p.quantity, p.requestHash));
    }

    /// @inheritdoc IPaymentRouter
    function paidAt(address payer, ServicePayment calldata payment) external view returns (uint256) {
        uint256 receipt = _receipts[requestId(payer, payment)];
        uint256 time = uint40(receipt);
        // slither-disable-next-line incorrect-equality (a hash either agrees or not)
        return receipt == _receipt(payment, time) ? time : 0;
    }

    // subscriptions --------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRouter
    function subscribe(Terms calldata terms) external nonReentrant returns (bytes32) {
        return _subscribe(terms);
    }

    /// @inheritdoc IPaymentRouter
    function subscribeWithPermit(Terms calldata terms, Permit calldata permit) external nonReentrant returns (bytes32) {
        _usePermit(terms.token, permit);
        return _subscribe(terms);
    }

    /// @inheritdoc IPaymentRouter
    function charge(address subscriber, Terms calldata terms) external nonReentrant returns (bytes32 id) {
        id = subscriptionId(subscriber, terms);
        uint256 number = _countCharge(id, terms);
        if (terms.fromSource) {
            _collect(subscriber, terms.token, terms.payee, terms.amount, id);
        } else {
            _move(terms.token, subscriber, terms.payee, terms.amount);
        }
        emit SubscriptionCharged(id, subscriber, terms.payee, terms.token, terms.amount, number);
    }

    /// @inheritdoc IPaymentRouter
    function cancel(Terms calldata terms) external nonReentrant returns (bytes32 id) {
        id = subscriptionId(msg.sender, terms);
        State storage state = _subscriptions[id];
        if (!_isActive(state)) revert NotSubscribed(id);
        state.cancelled = true;
        emit SubscriptionCancelled(id, msg.sender);
    }

    /// @inheritdoc IPaymentRouter
    function subscriptionId(address subscriber, Terms calldata terms) public pure returns (bytes32) {
        return keccak256(abi.encode(subscriber, terms));
    }

    /// @inheritdoc IPaymentRouter
    function subscriptionOf(address subscriber, Terms calldata terms) external view returns (Subscription memory) {
        State storage state = _subscriptions[subscriptionId(subscriber, terms)];
        bool chargeable = _isActive(state) && !_isSpent(state, terms);
        uint256 nextCharge = chargeable ? _nextCharge(state, terms) : 0;
        return Subscription(_isActive(state), state.start, state.charges, nextCharge);
    }

    // private: what is paid ------------------------------------------------------------------------------------------------

    function _batchFromCaller(Batch calldata batch) private {
        uint256 total = _total(batch.payments);
        uint256 before = _pull(batch.token, total);
        _payBatch(msg.sender, batch, total);
        _requireBalance(batch.token, before);
    }

    function _total(Payment[] calldata payments) private pure returns (uint256 total) {
        if (payments.length == 0) revert NothingToPay();
        for (uint256 i = 0; i < payments.length; ++i) {
            if (payments[i].amount == 0) revert ZeroAmount(i);
            total += payments[i].amount;
        }
    }

    function _payBatch(address payer, Batch calldata batch, uint256 total) private {
        (address token, bytes32 memo, bool itemized) = (batch.token, batch.memo, batch.itemized);
        Payment[] calldata payments = batch.payments;
        for (uint256 i = 0; i < payments.length; ++i) {
            (address to, uint256 amount) = (payments[i].to, payments[i].amount);
            _requireRecipient(i, to);
            _send(token, to, amount);
            if (itemized) emit Paid(payer, to, token, amount, memo);
        }
        emit BatchPaid(payer, token, memo, total, payments.length);
    }

    function _splitFromCaller(Split calldata split) private {
        uint256 before = _pull(split.token, split.amount);
        _paySplit(msg.sender, split);
        _requireBalance(split.token, before);
    }

    function _paySplit(address payer, Split calldata split) private {
        if (split.amount == 0) revert ZeroAmount(0);
        uint256[] memory amounts = splitAmounts(split.amount, split.shares);
        for (uint256 i = 0; i < amounts.length; ++i) {
            address to = split.shares[i].to;
            _requireRecipient(i, to);
            if (amounts[i] == 0) continue;
            _send(split.token, to, amounts[i]);
            emit Paid(payer, to, split.token, amounts[i], split.memo);
        }
        emit SplitPaid(payer, split.token, split.memo, split.amount, amounts.length);
    }

    function _serveFromCaller(ServicePayment calldata payment) private returns (bytes32 request) {
        request = _record(msg.sender, payment);
        if (payment.token == NATIVE) {
            _requireValue(payment.amount);
            _send(NATIVE, payment.provider, payment.amount);
        } else {
            _requireValue(0);
            _move(payment.token, msg.sender, payment.provider, payment.amount);
        }
        emit ServicePaid(request, msg.sender, payment.service, payment);
    }

    /// @dev Writes the receipt before any money moves; a failure undoes both.
    function _record(address payer, ServicePayment calldata payment) private returns (bytes32 request) {
        _requireRecipient(0, payment.provider);
        if (payment.amount == 0) revert ZeroAmount(0);
        request = requestId(payer, payment);
        uint256 receipt = _receipts[request];
        if (receipt != 0) revert AlreadyPaid(request, uint40(receipt));
        _receipts[request] = _receipt(payment, block.timestamp);
    }

    function _receipt(ServicePayment calldata payment, uint256 time) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(payment))) << 40 | time;
    }

    // private: subscriptions -----------------------------------------------------------------------------------------------

    function _subscribe(Terms calldata terms) private returns (bytes32 id) {
        _requireRecipient(0, terms.payee);
        if (terms.token == NATIVE && !terms.fromSource) revert TokenRequired();
        if (terms.amount == 0 || terms.cap < terms.amount || terms.period == 0) {
            revert InvalidTerms(terms.amount, terms.cap, terms.period);
        }
        id = subscriptionId(msg.sender, terms);
        State storage state = _subscriptions[id];
        if (state.start != 0) revert AlreadySubscribed(id);
        uint40 start = uint40(Math.max(terms.start, block.timestamp));
        state.start = start;
        emit Subscribed(id, msg.sender, terms.payee, start, terms);
    }

    /// @dev The period that runs is charged at most once, and those before it never again.
    function _countCharge(bytes32 id, Terms calldata terms) private returns (uint256 number) {
        State storage state = _subscriptions[id];
        if (!_isActive(state)) revert NotSubscribed(id);
        if (_isSpent(state, terms)) revert CapReached(id, terms.cap, state.charges * terms.amount);
        uint256 nextCharge = _nextCharge(state, terms);
        if (block.timestamp < nextCharge) revert NotDue(id, nextCharge);
        number = (block.timestamp - state.start) / terms.period;
        state.next = uint40(number + 1);
        state.charges += 1;
    }

    function _isActive(State storage state) private view returns (bool) {
        return state.start != 0 && !state.cancelled;
    }

    /// @dev As a quotient, because amount times charges may not fit.
    function _isSpent(State storage state, Terms calldata terms) private view returns (bool) {
        return state.charges >= terms.cap / terms.amount;
    }

    function _nextCharge(State storage state, Terms calldata terms) private view returns (uint256) {
        return state.start + uint256(state.next) * terms.period;
    }
}
