// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Payments by agents: batches, splits, subscriptions and paid requests
/// @notice The router has no owner, no fee and no upgrade, and holds money only inside a call. Everywhere below `token` is an ERC-20 contract, or
///         zero for the chain's own coin; amounts are atomic units.
/// @dev Each payment has up to three entries. The plain one spends the caller's allowance (or value). `WithPermit` spends the caller's money
///      too, and goes on when the permit was already used, because anybody may have submitted it first. `WithAuthorization` spends the
///      signer's money and may be sent by anybody: the signature is EIP-3009's ReceiveWithAuthorization to this router whose nonce is the
///      hash of the whole call, so nothing in the call can be changed. Tokens that take a fee or deliver another amount are refused. A token
///      is code of somebody else: what it says about a payer holds for that token only, so readers of events check `token`.
interface IPaymentRouter {
    // values ---------------------------------------------------------------------------------------------------------------

    struct Payment {
        address to;
        uint256 amount;
    }

    /// @param memo The payer's reference; two equal authorized batches need different ones.
    /// @param itemized Whether each payment has an event of its own besides the batch's.
    struct Batch {
        address token;
        bytes32 memo;
        bool itemized;
        Payment[] payments;
    }

    /// @param weight This payee's part of the sum of weights.
    struct Share {
        address to;
        uint256 weight;
    }

    /// @param amount What is divided, to the last unit.
    struct Split {
        address token;
        uint256 amount;
        bytes32 memo;
        Share[] shares;
    }

    /// @notice A payment for one request. Payer, token, service, agent, task, quantity and requestHash together name the request.
    /// @param provider Who is paid.
    /// @param service The service's id, as in the ServiceRegistry.
    /// @param agent The agent that asks, often the payer; it may rate and dispute for the payer.
    /// @param task What the payer does this for; any 32 bytes.
    /// @param quantity Units of the service.
    /// @param requestHash Hash of the request as provider and payer agree to compute it.
    struct ServicePayment {
        address token;
        address provider;
        uint256 amount;
        bytes32 service;
        address agent;
        bytes32 task;
        uint256 quantity;
        bytes32 requestHash;
    }

    /// @notice What a subscriber agrees to; nobody can change it.
    /// @param amount Taken at most once a period, without catching up on periods that passed.
    /// @param cap The most that is taken in all.
    /// @param start Unix seconds; the first period begins then, or at the subscription if that is later.
    /// @param period Seconds.
    /// @param fromSource Whether the subscriber is an IPaymentSource (an AgentWallet) that is asked to pay, instead of an allowance.
    /// @param salt Tells equal subscriptions apart.
    struct Terms {
        address token;
        address payee;
        uint256 amount;
        uint256 cap;
        uint40 start;
        uint40 period;
        bool fromSource;
        bytes32 salt;
    }

    /// @param charges How many times it was charged.
    /// @param nextCharge Unix seconds from which the next charge is possible; zero if there is none any more.
    struct Subscription {
        bool active;
        uint40 start;
        uint256 charges;
        uint256 nextCharge;
    }

    /// @notice EIP-2612, of the caller for this router.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice EIP-3009. 65 bytes of signature (r, s, v) go to the token's form with v, r, s, others to its form with bytes.
    struct Authorization {
        address from;
        uint256 validAfter;
        uint256 validBefore;
        bytes signature;
    }

    // events ---------------------------------------------------------------------------------------------------------------

    /// @notice All payments of a batch were made.
    event BatchPaid(
        address indexed payer, address indexed token, bytes32 indexed memo, uint256 total, uint256 payments
    );
    /// @notice One payment of an itemized batch, or of a split.
    event Paid(address indexed payer, address indexed to, address indexed token, uint256 amount, bytes32 memo);
    /// @notice All of `amount` was divided.
    event SplitPaid(address indexed payer, address indexed token, bytes32 indexed memo, uint256 amount, uint256 shares);
    /// @notice The request was paid. A provider serves it after checking token, provider, amount and request, or asks `paidAt`.
    event ServicePaid(bytes32 indexed request, address indexed payer, bytes32 indexed service, ServicePayment payment);
    event Subscribed(
        bytes32 indexed subscription, address indexed subscriber, address indexed payee, uint40 start, Terms terms
    );
    /// @notice One period was paid. `number` counts periods from 0 at the start.
    event SubscriptionCharged(
        bytes32 indexed subscription,
        address indexed subscriber,
        address indexed payee,
        address token,
        uint256 amount,
        uint256 number
    );
    event SubscriptionCancelled(bytes32 indexed subscription, address indexed subscriber);

    // errors ---------------------------------------------------------------------------------------------------------------

    error NothingToPay();
    /// @notice Nobody can get coins back from the router, so it takes none outside a payment.
    error CoinRefused(uint256 amount);
    /// @notice Zero, or this router.
    error InvalidRecipient(uint256 index, address recipient);
    error ZeroAmount(uint256 index);
    error ZeroWeight(uint256 index);
    error WrongValue(uint256 required, uint256 sent);
    /// @notice There is no contract at this address.
    error NotAToken(address token);
    /// @notice The token moved another amount than it was told to; it may take a fee.
    error InexactTransfer(address token, uint256 required, uint256 received);
    /// @notice The router would have kept or lost money of this token.
    error BalanceChanged(address token, uint256 before, uint256 later);
    error PaymentFailed(address to, uint256 amount);
    error AlreadyPaid(bytes32 request, uint256 paidAt);
    /// @notice The chain's own coin has neither allowances nor authorizations.
    error TokenRequired();
    error InvalidTerms(uint256 amount, uint256 cap, uint256 period);
    error AlreadySubscribed(bytes32 subscription);
    error NotSubscribed(bytes32 subscription);
    error NotDue(bytes32 subscription, uint256 nextCharge);
    error CapReached(bytes32 subscription, uint256 cap, uint256 charged);

    // batches --------------------------------------------------------------------------------------------------------------

    /// @notice Pay many in one transaction: one pull, then one transfer each. All or nothing.
    function batchPay(Batch calldata batch) external payable;

    function batchPayWithPermit(Batch calldata batch, Permit calldata permit) external;

    /// @param authorization Its nonce is `batchNonce(batch)`, its value the sum of the payments.
    function batchPayWithAuthorization(Batch calldata batch, Authorization calldata authorization) external;

    function batchNonce(Batch calldata batch) external pure returns (bytes32);

    // splits ---------------------------------------------------------------------------------------------------------------

    /// @notice Divide an amount by weights, as `splitAmounts` tells.
    function splitPay(Split calldata split) external payable;

    function splitPayWithPermit(Split calldata split, Permit calldata permit) external;

    /// @param authorization Its nonce is `splitNonce(split)`, its value the amount.
    function splitPayWithAuthorization(Split calldata split, Authorization calldata authorization) external;

    function splitNonce(Split calldata split) external pure returns (bytes32);

    /// @notice What each share receives: its exact part rounded down or up, so that the sum is `amount`. A part may be zero.
    /// @dev Share i gets floor(amount * W(i) / W) - floor(amount * W(i-1) / W), W(i) being the sum of the first i weights.
    function splitAmounts(uint256 amount, Share[] calldata shares) external pure returns (uint256[] memory);

    // paid requests --------------------------------------------------------------------------------------------------------

    /// @notice Pay for a request, once: the same request is refused for ever after.
    /// @return request The request's id, `requestId(payer, payment)`.
    function payForService(ServicePayment calldata payment) external payable returns (bytes32 request);

    function payForServiceWithPermit(ServicePayment calldata payment, Permit calldata permit)
        external
        returns (bytes32 request);

    /// @param authorization Its nonce is `serviceNonce(payment)`, its value the amount.
    function payForServiceWithAuthorization(ServicePayment calldata payment, Authorization calldata authorization)
        external
        returns (bytes32 request);

    /// @notice The same for a caller that is an IPaymentSource, such as an AgentWallet: it is asked to pay, so its limits hold.
    function payForServiceFromSource(ServicePayment calldata payment) external returns (bytes32 request);

    function serviceNonce(ServicePayment calldata payment) external pure returns (bytes32);

    function requestId(address payer, ServicePayment calldata payment) external pure returns (bytes32);

    /// @notice When `payer` made exactly this payment, in Unix seconds; zero if it did not. What a provider asks before serving.
    function paidAt(address payer, ServicePayment calldata payment) external view returns (uint256);

    // subscriptions --------------------------------------------------------------------------------------------------------

    /// @notice Agree to terms. Nothing is taken yet; an allowance of the cap is the subscriber's to give.
    function subscribe(Terms calldata terms) external returns (bytes32 subscription);

    function subscribeWithPermit(Terms calldata terms, Permit calldata permit) external returns (bytes32 subscription);

    /// @notice Take the amount for the period that is running, if it was not taken. Anybody may call.
    function charge(address subscriber, Terms calldata terms) external returns (bytes32 subscription);

    /// @notice End a subscription for good; for its subscriber.
    function cancel(Terms calldata terms) external returns (bytes32 subscription);

    function subscriptionId(address subscriber, Terms calldata terms) external pure returns (bytes32);

    function subscriptionOf(address subscriber, Terms calldata terms) external view returns (Subscription memory);
}
