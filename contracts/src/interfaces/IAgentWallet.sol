// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IPaymentSource} from "./IPaymentSource.sol";

/// @title A wallet that an agent cannot overspend
/// @notice Holds an owner's money and lets operators (an agent's keys) spend it within limits that this contract enforces: per token and
///         per day for the wallet as a whole, per payment, only to listed payees where the owner wants that, and with k of n
///         signatures of approvers above a threshold. Native coin is the token with address zero. Tokens without a limit are refused.
/// @dev A window is a UTC day, so around midnight twice the day's limit can leave within a short time. No part of it can be upgraded, and nobody but
///      the owner can withdraw. Amounts are atomic units, times are Unix seconds.
interface IAgentWallet is IERC1271, IPaymentSource {
    /// @notice What may leave of one token.
    /// @param token Zero is the native coin.
    /// @param perDay The most that operators may spend in one UTC day, all together. Zero removes the token.
    /// @param perPayment The most that one payment may be.
    /// @param approvalAbove Payments above this need the signatures of approvers.
    /// @param name,version The token's EIP-712 domain, which x402 authorizations are signed for. An empty name: no authorizations.
    struct TokenLimit {
        address token;
        uint256 perDay;
        uint256 perPayment;
        uint256 approvalAbove;
        string name;
        string version;
    }

    /// @notice All that the owner decides at the start, signed as one EIP-712 message.
    /// @param guardian May pause, nothing else. Zero is nobody.
    /// @param payeesOnly Whether only `payees` may be paid.
    /// @param approvals How many of `approvers` a payment above the threshold needs.
    /// @param collectors Contracts that may ask the wallet to pay (see IPaymentSource), for example the PaymentRouter.
    /// @param deadline The last second at which the wallet may be deployed with this configuration.
    struct Configuration {
        address guardian;
        bool payeesOnly;
        uint256 approvals;
        address[] operators;
        address[] payees;
        address[] approvers;
        address[] collectors;
        TokenLimit[] limits;
        uint256 deadline;
    }

    /// @notice One payee's part of a batch.
    struct Share {
        address payee;
        uint256 amount;
    }

    /// @notice One approver's signature of a payment.
    struct Approval {
        address approver;
        bytes signature;
    }

    /// @notice An EIP-3009 TransferWithAuthorization from this wallet.
    struct Authorization {
        address token;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// @notice Where an authorization stands: never reserved, reserved, or given back.
    enum Status {
        None,
        Reserved,
        Released
    }

    event Configured(address indexed owner, bytes32 indexed configuration);
    event OperatorSet(address indexed operator, bool enabled);
    event PayeeSet(address indexed payee, bool allowed);
    event PayeesOnlySet(bool payeesOnly);
    event CollectorSet(address indexed collector, bool enabled);
    event ApproversSet(address[] approvers, uint256 approvals);
    event GuardianSet(address indexed guardian);
    event LimitSet(address indexed token, uint256 perDay, uint256 perPayment, uint256 approvalAbove);
    event DomainSet(address indexed token, string name, string version);
    event Paused(address indexed by);
    event Unpaused(address indexed by);
    /// @param by The operator or the collector.
    /// @param ref The caller's own reference, not interpreted.
    event Paid(address indexed token, address indexed payee, uint256 amount, address by, bytes32 ref);
    /// @notice The payments of a batch, which was counted once as `total`; `Paid` is not emitted for them.
    event BatchPaid(address indexed token, uint256 total, Share[] shares, address by, bytes32 ref);
    event Approved(bytes32 indexed digest, address[] approvers);
    /// @param moved What the wallet's balance truly went down by.
    event Withdrawn(address indexed token, address indexed to, uint256 asked, uint256 moved);
    /// @param digest What the token asks about when the authorization is used.
    event Reserved(
        bytes32 indexed digest,
        address indexed operator,
        address indexed token,
        address to,
        uint256 value,
        uint256 validBefore,
        bytes32 nonce
    );
    /// @notice The authorization can never be used, and its amount is credited to the windows that it was counted in.
    event Released(bytes32 indexed digest, address indexed by);

    error NotOwner(address caller);
    error NotOwnerOrGuardian(address caller);
    error NotOperator(address caller);
    error NotCollector(address caller);
    error NotFactory(address caller);
    error WalletPaused();
    error ConfigurationExpired(uint256 deadline, uint256 time);
    error InvalidOwnerSignature(address owner, bytes32 digest);
    error InvalidOperatorSignature(address operator, bytes32 digest);
    error ZeroAddress();
    error TooManyOperators(uint256 most);
    error TooFewApprovers(uint256 approvals, uint256 approvers);
    error NoCode(address account);
    /// @notice A token cannot collect, and a collector cannot be a token: a call to it would move money without being counted.
    error TokenAsCollector(address account);
    error TokenNotAllowed(address token);
    error PayeeNotAllowed(address payee);
    error AbovePerPayment(address token, uint256 amount, uint256 perPayment);
    error AbovePerDay(address token, uint256 amount, uint256 remaining, uint256 window);
    error ApprovalRequired(address token, uint256 amount, uint256 approvalAbove);
    error ApprovalsMissing(uint256 given, uint256 needed);
    error ApprovalsUnordered(address previous, address next);
    error NotApprover(address account);
    error InvalidApproval(address approver, bytes32 digest);
    error PaymentExpired(uint256 deadline, uint256 time);
    error PaymentRepeated(bytes32 digest);
    error EmptyBatch();
    error NativeTransferFailed(address payee, uint256 amount);
    /// @notice The token did not take from the wallet exactly what it was asked to.
    error AmountNotMoved(address token, uint256 asked, uint256 moved);
    error DomainUnknown(address token, uint256 chainId);
    error ValidityTooLong(uint256 validBefore, uint256 latest);
    error AuthorizationExpired(uint256 validBefore, uint256 time);
    error AuthorizationNotExpired(uint256 validBefore, uint256 time);
    error AuthorizationAlreadyReserved(bytes32 digest);
    error AuthorizationNotReserved(bytes32 digest);
    error AuthorizationUsed(bytes32 digest);

    /// @notice Take the owner's configuration; the factory does this in the transaction that deploys.
    /// @param ownerSignature The owner's EIP-712 signature of `configuration` (ERC-1271 where the owner is a contract), not needed when
    ///        `caller` is the owner.
    /// @param caller Who called the factory.
    function initialize(Configuration calldata configuration, bytes calldata ownerSignature, address caller) external;

    // Operators --------------------------------------------------------------------------------------------------------

    /// @notice Pay `amount` of `token` to `payee` from the wallet's own balance.
    /// @param ref Recorded with the payment, not interpreted.
    function executePayment(address token, address payee, uint256 amount, bytes32 ref) external;

    /// @notice Pay several payees in one token. The total is counted once, against the day and the threshold; each share against the maximum of a payment.
    function payBatch(address token, Share[] calldata shares, bytes32 ref) external;

    /// @notice Pay what approvers signed. It counts against the day and the maximum of a payment like any other.
    /// @param nonce Makes equal payments different; each digest pays once.
    /// @param deadline The last second at which it may be paid.
    /// @param approvals At least as many as the wallet needs, in rising order of the approvers' addresses.
    function executeApprovedPayment(
        address token,
        address payee,
        uint256 amount,
        bytes32 ref,
        bytes32 nonce,
        uint256 deadline,
        Approval[] calldata approvals
    ) external;

    /// @notice Call a registered collector as this wallet, without coin or allowance, for example to subscribe. For operators and the owner.
    /// @return result What the collector returned.
    function callCollector(address collector, bytes calldata data) external returns (bytes memory result);

    /// @notice Count authorizations against the limit, and from then on confirm them to the token (ERC-1271). All or none.
    /// @dev At most 10 minutes to `validBefore`. One that crosses midnight counts in both days.
    function reserve(Authorization[] calldata authorizations) external;

    /// @notice `reserve` by an operator's EIP-712 signature, submitted by anybody. What is reserved already is passed over, so a second submission does no harm.
    function reserveSigned(Authorization[] calldata authorizations, address operator, bytes calldata signature) external;

    /// @notice Make reserved, unused authorizations void for ever and give their amounts back. For operators and the owner.
    function revoke(Authorization[] calldata authorizations) external;

    /// @notice Give back the amounts of expired, unused authorizations. Anybody may call it.
    function release(Authorization[] calldata authorizations) external;

    // Owner ------------------------------------------------------------------------------------------------------------

    /// @notice Move money to `to`, also while paused, also of tokens without a limit.
    /// @return moved What the wallet's balance went down by; more than `amount`, or nothing of something, reverts.
    function withdraw(address token, address to, uint256 amount) external returns (uint256 moved);

    /// @notice Let a key spend within the limits, or not any more. A wallet has at most 16 operators, so that a pause reaches all of them cheaply.
    function setOperator(address operator, bool enabled) external;
    function setPayee(address payee, bool allowed) external;
    function setPayeesOnly(bool payeesOnly) external;
    function setCollector(address collector, bool enabled) external;
    /// @notice Replace all approvers.
    function setApprovers(address[] calldata approvers, uint256 approvals) external;
    function setGuardian(address guardian) external;
    /// @dev What was counted today stays counted.
    function setLimit(TokenLimit calldata limit) external;
    /// @notice Stop all payments and confirmations. For the owner and the guardian.
    function pause() external;
    /// @notice For the owner only.
    function unpause() external;

    // Views ------------------------------------------------------------------------------------------------------------

    function owner() external view returns (address);
    function guardian() external view returns (address);
    function paused() external view returns (bool);
    function payeesOnly() external view returns (bool);
    function operators() external view returns (address[] memory);
    function isOperator(address account) external view returns (bool);
    function payees() external view returns (address[] memory);
    function isPayee(address account) external view returns (bool);
    function collectors() external view returns (address[] memory);
    /// @return accounts All approvers. @return needed How many of them must sign.
    function approvers() external view returns (address[] memory accounts, uint256 needed);
    /// @notice Every token that has a limit.
    function tokens() external view returns (address[] memory);
    function limits(address token) external view returns (uint256 perDay, uint256 perPayment, uint256 approvalAbove);
    /// @notice The EIP-712 domain separator that authorizations of `token` are built with on this chain; zero where there is none.
    function domainSeparator(address token) external view returns (bytes32);
    /// @notice The number of the UTC day that `timestamp` is in.
    function windowOf(uint256 timestamp) external pure returns (uint256);
    /// @notice What is counted in a window: paid and reserved, less what was given back. Of past windows the chain keeps the events only, so they read zero.
    function counted(address token, uint256 window) external view returns (uint256);
    /// @notice What the day's limit leaves now. The balance, pause and other rules may leave less.
    function remainingToday(address token) external view returns (uint256);
    /// @notice What the token's contract will ask about for this authorization, by the registered domain.
    function authorizationDigest(Authorization calldata authorization) external view returns (bytes32);
    /// @return status See Status. @return operator Who reserved. @return validBefore When it ends. @return window The first window it was counted in.
    function reservation(bytes32 digest)
        external
        view
        returns (Status status, address operator, uint256 validBefore, uint256 window);
    /// @notice What operators sign for `reserveSigned`.
    function reserveDigest(Authorization[] calldata authorizations) external view returns (bytes32);
    /// @notice What approvers sign for `executeApprovedPayment`.
    function paymentDigest(address token, address payee, uint256 amount, bytes32 ref, bytes32 nonce, uint256 deadline)
        external
        view
        returns (bytes32);
    /// @notice Whether an approved payment was made.
    function isPaid(bytes32 digest) external view returns (bool);
    /// @notice What the owner signs for the initial configuration.
    function configurationDigest(Configuration calldata configuration) external view returns (bytes32);
}
