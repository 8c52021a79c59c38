// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPaymentRouter} from "./interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "./interfaces/IServiceRegistry.sol";

/// @title ServiceRegistry
/// @notice See IServiceRegistry.
contract ServiceRegistry is IServiceRegistry, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IServiceRegistry
    uint256 public constant AWARD_MULTIPLE = 2;
    /// @inheritdoc IServiceRegistry
    uint256 public constant BOND_DIVISOR = 10;
    /// @inheritdoc IServiceRegistry
    uint256 public constant DISPUTE_PERIOD = 7 days;
    /// @inheritdoc IServiceRegistry
    uint256 public constant RULING_PERIOD = 7 days;
    /// @inheritdoc IServiceRegistry
    uint256 public constant WITHDRAWAL_DELAY = 14 days;
    /// @inheritdoc IServiceRegistry
    uint256 public constant ARBITER_DELAY = 14 days;
    /// @inheritdoc IServiceRegistry
    IPaymentRouter public immutable ROUTER;

    address private constant NATIVE = address(0);
    uint256 private constant BEST_SCORE = 5;

    mapping(bytes32 service => Service) private _services;
    mapping(bytes32 service => Reputation) private _reputations;
    mapping(bytes32 request => bool) private _rated;
    mapping(bytes32 request => Dispute) private _disputes;
    mapping(address token => mapping(address account => uint256)) private _claims;

    constructor(IPaymentRouter router) {
        if (address(router).code.length == 0) revert NotARouter(address(router));
        ROUTER = router;
    }

    // providers ------------------------------------------------------------------------------------------------------------

    /// @inheritdoc IServiceRegistry
    function register(Registration calldata r) external payable nonReentrant returns (bytes32 id) {
        if (r.payee == address(0)) revert ZeroAddress();
        id = serviceId(msg.sender, r.salt);
        Service storage service = _services[id];
        if (service.registeredAt != 0) revert AlreadyRegistered(id);
        _requireImpartial(msg.sender, r.payee, r.arbiter);
        service.provider = msg.sender;
        service.registeredAt = uint40(block.timestamp);
        service.listed = true;
        service.payee = r.payee;
        service.token = r.token;
        service.price = r.price;
        service.stake = r.stake;
        service.arbiter = r.arbiter;
        service.metadataURI = r.metadataURI;
        _requireStaked(id, service);
        _take(r.token, r.stake);
        emit ServiceRegistered(id, msg.sender, r);
    }

    /// @inheritdoc IServiceRegistry
    function addStake(bytes32 id, uint256 amount) external payable nonReentrant {
        Service storage service = _provided(id);
        if (amount == 0) revert ZeroAmount();
        service.stake += amount;
        _take(service.token, amount);
        emit StakeAdded(id, amount, service.stake);
    }

    /// @inheritdoc IServiceRegistry
    function update(bytes32 id, uint256 price, string calldata metadataURI) external nonReentrant {
        Service storage service = _provided(id);
        service.price = price;
        service.metadataURI = metadataURI;
        if (service.listed) _requireStaked(id, service);
        emit ServiceUpdated(id, price, metadataURI);
    }

    /// @inheritdoc IServiceRegistry
    function setListed(bytes32 id, bool listed) external nonReentrant {
        Service storage service = _provided(id);
        service.listed = listed;
        if (listed) _requireStaked(id, service);
        emit ServiceListed(id, listed);
    }

    /// @inheritdoc IServiceRegistry
    function proposeArbiter(bytes32 id, address arbiter) external nonReentrant {
        Service storage service = _provided(id);
        _requireImpartial(service.provider, service.payee, arbiter);
        service.arbiter = _arbiter(service);
        service.nextArbiter = arbiter;
        service.arbiterAt = uint40(block.timestamp + ARBITER_DELAY);
        emit ArbiterProposed(id, arbiter, service.arbiterAt);
    }

    /// @inheritdoc IServiceRegistry
    function requestWithdrawal(bytes32 id, uint256 amount) external nonReentrant {
        Service storage service = _provided(id);
        if (amount > service.stake) revert MoreThanStaked(id, service.stake, amount);
        service.withdrawing = amount;
        service.withdrawableAt = uint40(block.timestamp + WITHDRAWAL_DELAY);
        if (service.listed) _requireStaked(id, service);
        emit WithdrawalRequested(id, amount, service.withdrawableAt);
    }

    /// @inheritdoc IServiceRegistry
    function withdraw(bytes32 id, address to) external nonReentrant returns (uint256 amount) {
        Service storage service = _provided(id);
        if (block.timestamp < service.withdrawableAt) revert TooEarly(service.withdrawableAt, block.timestamp);
        amount = Math.min(service.withdrawing, service.stake - service.locked);
        if (amount == 0) revert NothingToWithdraw(id);
        service.withdrawing -= amount;
        service.stake -= amount;
        _give(service.token, to, amount);
        emit StakeWithdrawn(id, to, amount, service.stake);
    }

    // payers ---------------------------------------------------------------------------------------------------------------

    /// @inheritdoc IServiceRegistry
    function rate(address payer, IPaymentRouter.ServicePayment calldata payment, uint256 score) external nonReentrant {
        (bytes32 request,) = _proven(payer, payment);
        if (score == 0 || score > BEST_SCORE) revert InvalidScore(score);
        if (_rated[request]) revert AlreadyRated(request);
        _rated[request] = true;
        Reputation storage reputation = _reputations[payment.service];
        reputation.ratings += 1;
        reputation.score += score;
        reputation.volume += payment.amount;
        emit Rated(payment.service, payer, request, score, payment.amount);
    }

    /// @inheritdoc IServiceRegistry
    function openDispute(address payer, IPaymentRouter.ServicePayment calldata payment, bytes32 evidence)
        external
        payable
        nonReentrant
        returns (bytes32 request)
    {
        uint256 time;
        (request, time) = _proven(payer, payment);
        if (_disputes[request].status != Status.NONE) revert AlreadyDisputed(request);
        if (block.timestamp > time + DISPUTE_PERIOD) revert TooLate(time + DISPUTE_PERIOD, block.timestamp);
        Service storage service = _services[payment.service];
        Dispute memory dispute = _newDispute(payer, payment, service);
        _disputes[request] = dispute;
        service.locked += dispute.locked;
        _take(service.token, dispute.bond);
        emit DisputeOpened(request, payment.service, dispute, evidence);
    }

    /// @inheritdoc IServiceRegistry
    function rule(bytes32 request, uint256 award) external nonReentrant {
        Dispute storage dispute = _open(request);
        if (msg.sender != dispute.arbiter) revert NotTheArbiter(dispute.arbiter, msg.sender);
        if (block.timestamp > dispute.deadline) revert TooLate(dispute.deadline, block.timestamp);
        if (award > dispute.locked) revert AwardTooLarge(dispute.locked, award);
        Service storage service = _services[dispute.service];
        dispute.status = award == 0 ? Status.REJECTED : Status.UPHELD;
        service.locked -= dispute.locked;
        service.stake -= award;
        address token = service.token;
        _claims[token][dispute.payer] += award;
        _claims[token][award == 0 ? service.payee : dispute.bonder] += dispute.bond;
        emit DisputeRuled(request, dispute.service, award);
    }

    /// @inheritdoc IServiceRegistry
    function lapse(bytes32 request) external nonReentrant {
        Dispute storage dispute = _open(request);
        if (block.timestamp <= dispute.deadline) revert TooEarly(uint256(dispute.deadline) + 1, block.timestamp);
        Service storage service = _services[dispute.service];
        dispute.status = Status.LAPSED;
        service.locked -= dispute.locked;
        _claims[service.token][dispute.bonder] += dispute.bond;
        emit DisputeLapsed(request, dispute.service);
    }

    /// @inheritdoc IServiceRegistry
    function claim(address token, address account, address to) external nonReentrant returns (uint256 amount) {
        if (to != account && msg.sender != account) revert NotTheClaimant(account, msg.sender);
        amount = _claims[token][account];
        if (amount == 0) revert NothingToClaim(token, account);
        _claims[token][account] = 0;
        _give(token, to, amount);
        emit Claimed(token, account, to, amount);
    }

    // views ----------------------------------------------------------------------------------------------------------------

    /// @inheritdoc IServiceRegistry
    function serviceId(address provider, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(provider, salt));
    }

    /// @inheritdoc IServiceRegistry
    function serviceOf(bytes32 id) external view returns (Service memory) {
        return _services[id];
    }

    /// @inheritdoc IServiceRegistry
    function arbiterOf(bytes32 id) external view returns (address) {
        return _arbiter(_services[id]);
    }

    /// @inheritdoc IServiceRegistry
    function freeStake(bytes32 id) external view returns (uint256) {
        return _free(_services[id]);
    }

    /// @inheritdoc IServiceRegistry
    function isActive(bytes32 id) external view returns (bool) {
        Service storage service = _services[id];
        return service.listed && _free(service) >= _requiredStake(service);
    }

    /// @inheritdoc IServiceRegistry
    function reputationOf(bytes32 id) external view returns (Reputation memory) {
        return _reputations[id];
    }

    /// @inheritdoc IServiceRegistry
    function disputeOf(bytes32 request) external view returns (Dispute memory) {
        return _disputes[request];
    }

    /// @inheritdoc IServiceRegistry
    function claimable(address token, address account) external view returns (uint256) {
        return _claims[token][account];
    }

    /// @inheritdoc IServiceRegistry
    function bondFor(uint256 paid) public pure returns (uint256) {
        return Math.ceilDiv(paid, BOND_DIVISOR);
    }

    // private: stake -------------------------------------------------------------------------------------------------------

    /// @dev A slashed service may have asked for more than is left, so this saturates.
    function _free(Service storage service) private view returns (uint256) {
        return Math.saturatingSub(service.stake - service.locked, service.withdrawing);
    }

    function _requiredStake(Service storage service) private view returns (uint256) {
        return Math.max(1, Math.saturatingMul(service.price, AWARD_MULTIPLE));
    }

    function _requireStaked(bytes32 id, Service storage service) private view {
        uint256 required = _requiredStake(service);
        uint256 free = _free(service);
        if (free < required) revert StakeTooSmall(id, required, free);
    }

    function _provided(bytes32 id) private view returns (Service storage service) {
        service = _services[id];
        if (service.provider != msg.sender) revert NotTheProvider(id, msg.sender);
    }

    // private: arbiters and disputes ---------------------------------------------------------------------------------------

    function _requireImpartial(address provider, address payee, address arbiter) private pure {
        if (arbiter == address(0)) revert ZeroAddress();
        if (arbiter == provider || arbiter == payee) revert PartialArbiter(arbiter);
    }

    function _arbiter(Service storage service) private view returns (address) {
        bool changed = service.nextArbiter != address(0) && block.timestamp >= service.arbiterAt;
        return changed ? service.nextArbiter : service.arbiter;
    }

    /// @return request The request's id at the router.
    /// @return time When it was paid.
    function _proven(address payer, IPaymentRouter.ServicePayment calldata payment)
        private
        view
        returns (bytes32 request, uint256 time)
    {
        if (msg.sender != payer && msg.sender != payment.agent) revert NotThePayer(payer, msg.sender);
        Service storage service = _services[payment.service];
        if (service.registeredAt == 0) revert UnknownService(payment.service);
        if (payment.token != service.token || payment.provider != service.payee) {
            revert OtherTerms(payment.service, service.token, service.payee);
        }
        request = ROUTER.requestId(payer, payment);
        time = ROUTER.paidAt(payer, payment);
        if (time == 0) revert NotPaid(request);
        if (time < service.registeredAt) revert PaidBeforeRegistration(time, service.registeredAt);
    }

    function _newDispute(address payer, IPaymentRouter.ServicePayment calldata payment, Service storage service)
        private
        view
        returns (Dispute memory)
    {
        address arbiter = _arbiter(service);
        if (arbiter == payer || arbiter == msg.sender) revert PartialArbiter(arbiter);
        uint256 most = Math.saturatingMul(payment.amount, AWARD_MULTIPLE);
        uint256 locked = Math.min(most, service.stake - service.locked);
        if (locked == 0) revert NoStakeLeft(payment.service);
        return Dispute({
            service: payment.service,
            payer: payer,
            bonder: msg.sender,
            arbiter: arbiter,
            deadline: uint40(block.timestamp + RULING_PERIOD),
            status: Status.OPEN,
            bond: bondFor(payment.amount),
            locked: locked
        });
    }

    function _open(bytes32 request) private view returns (Dispute storage dispute) {
        dispute = _disputes[request];
        if (dispute.status != Status.OPEN) revert NoOpenDispute(request);
    }

    // private: how money moves ---------------------------------------------------------------------------------------------

    /// @dev From the caller, exactly.
    function _take(address token, uint256 amount) private {
        uint256 value = token == NATIVE ? amount : 0;
        if (msg.value != value) revert WrongValue(value, msg.value);
        if (token == NATIVE) return;
        // slither-disable-next-line incorrect-equality (code is there or not)
        if (token.code.length == 0) revert NotAToken(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = Math.saturatingSub(IERC20(token).balanceOf(address(this)), before);
        if (received != amount) revert InexactTransfer(token, amount, received);
    }

    /// @dev Exactly: what a token would take besides belongs to others.
    function _give(address token, address to, uint256 amount) private {
        if (to == address(0)) revert ZeroAddress();
        if (token == NATIVE) {
            // slither-disable-next-line arbitrary-send-eth (the provider's stake or the claimant's claim, where its owner says)
            (bool success,) = to.call{value: amount}("");
            if (!success) revert TransferFailed(to, amount);
            return;
        }
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 sent = Math.saturatingSub(before, IERC20(token).balanceOf(address(this)));
        if (sent != amount) revert InexactTransfer(token, amount, sent);
    }
}
