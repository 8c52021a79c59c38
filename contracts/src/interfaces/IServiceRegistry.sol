// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "./IPaymentRouter.sol";

/// @title Services that agents pay for, with stake, reputation and disputes
/// @notice A provider registers a service and stakes for it. Whoever paid it through the router may rate it once a payment, and dispute the
///         payment before the service's arbiter. The registry has no owner, no fee and no upgrade.
///
///         What it does not promise. Anybody can pay himself and rate himself, so reputation can be bought for the price of the gas: weigh who
///         paid. The arbiter is the provider's choice: one who colludes with the provider makes the stake worthless to the
///         payer, and can let the provider have it back early through a payment to himself. Choose services by their arbiter.
///         Stake is locked first come, first served; several disputes may ask for more than there is.
/// @dev Stake, price, bond and payments of a service have the same token (zero for the chain's own coin), fixed with the payee at registration,
///      since payments are proven by both. Amounts are atomic units. Money leaves by `claim` and `withdraw` only, so a payee
///      that a token refuses blocks no ruling. Tokens that take a fee are refused; one whose balances shrink by themselves can
///      leave the claims in that token uncovered, in no other.
interface IServiceRegistry {
    // values ---------------------------------------------------------------------------------------------------------------

    /// @param salt The provider's own number for the service; id = `serviceId(provider, salt)`.
    /// @param payee Who payments must go to, for ever.
    /// @param price Of one unit.
    struct Registration {
        bytes32 salt;
        address payee;
        address token;
        uint256 price;
        uint256 stake;
        address arbiter;
        string metadataURI;
    }

    /// @param listed What the provider says; `isActive` also asks whether the stake suffices.
    /// @param locked The part of the stake that open disputes hold.
    /// @param withdrawing The part that the provider asked back, possible from `withdrawableAt`. Disputes can still take it.
    /// @param nextArbiter Takes over at `arbiterAt`; zero if no change was proposed.
    struct Service {
        address provider;
        uint40 registeredAt;
        bool listed;
        address payee;
        address token;
        uint256 price;
        uint256 stake;
        uint256 locked;
        uint256 withdrawing;
        uint40 withdrawableAt;
        address arbiter;
        address nextArbiter;
        uint40 arbiterAt;
        string metadataURI;
    }

    /// @param score Sum of the scores, each 1 to 5.
    /// @param volume Sum of the payments that were rated.
    struct Reputation {
        uint256 ratings;
        uint256 score;
        uint256 volume;
    }

    enum Status {
        NONE,
        OPEN,
        UPHELD,
        REJECTED,
        LAPSED
    }

    /// @param bonder Who paid the bond: the payer or the agent named in the payment.
    /// @param arbiter Who rules, whatever happens to the service's arbiter later.
    /// @param locked The most that can be awarded.
    /// @param deadline Unix seconds; the last moment of a ruling.
    struct Dispute {
        bytes32 service;
        address payer;
        address bonder;
        address arbiter;
        uint40 deadline;
        Status status;
        uint256 bond;
        uint256 locked;
    }

    // events ---------------------------------------------------------------------------------------------------------------

    event ServiceRegistered(bytes32 indexed service, address indexed provider, Registration registration);
    event ServiceUpdated(bytes32 indexed service, uint256 price, string metadataURI);
    event ServiceListed(bytes32 indexed service, bool listed);
    event StakeAdded(bytes32 indexed service, uint256 amount, uint256 stake);
    event WithdrawalRequested(bytes32 indexed service, uint256 amount, uint256 withdrawableAt);
    event StakeWithdrawn(bytes32 indexed service, address to, uint256 amount, uint256 stake);
    event ArbiterProposed(bytes32 indexed service, address arbiter, uint256 effectiveAt);
    event Rated(bytes32 indexed service, address indexed payer, bytes32 indexed request, uint256 score, uint256 amount);
    /// @param evidence Hash of what the payer shows the arbiter.
    event DisputeOpened(bytes32 indexed request, bytes32 indexed service, Dispute dispute, bytes32 evidence);
    event DisputeRuled(bytes32 indexed request, bytes32 indexed service, uint256 award);
    event DisputeLapsed(bytes32 indexed request, bytes32 indexed service);
    event Claimed(address indexed token, address indexed account, address to, uint256 amount);

    // errors ---------------------------------------------------------------------------------------------------------------

    error NotARouter(address router);
    error NotAToken(address token);
    error ZeroAddress();
    /// @notice The arbiter would judge his own service or his own payment.
    error PartialArbiter(address arbiter);
    error AlreadyRegistered(bytes32 service);
    error UnknownService(bytes32 service);
    error NotTheProvider(bytes32 service, address caller);
    /// @notice What is free of the stake must be at least AWARD_MULTIPLE prices, and more than nothing.
    error StakeTooSmall(bytes32 service, uint256 required, uint256 free);
    error ZeroAmount();
    error WrongValue(uint256 required, uint256 sent);
    error InexactTransfer(address token, uint256 required, uint256 received);
    error TransferFailed(address to, uint256 amount);
    error MoreThanStaked(bytes32 service, uint256 stake, uint256 asked);
    error NothingToWithdraw(bytes32 service);
    error TooEarly(uint256 possibleFrom, uint256 time);
    error NotThePayer(address payer, address caller);
    /// @notice The payment went to another payee or in another token than the service's.
    error OtherTerms(bytes32 service, address token, address payee);
    error NotPaid(bytes32 request);
    error PaidBeforeRegistration(uint256 paidAt, uint256 registeredAt);
    error InvalidScore(uint256 score);
    error AlreadyRated(bytes32 request);
    error AlreadyDisputed(bytes32 request);
    error TooLate(uint256 deadline, uint256 time);
    /// @notice Other disputes hold all of the stake.
    error NoStakeLeft(bytes32 service);
    error NoOpenDispute(bytes32 request);
    error NotTheArbiter(address arbiter, address caller);
    error AwardTooLarge(uint256 most, uint256 award);
    error NothingToClaim(address token, address account);
    error NotTheClaimant(address account, address caller);

    // what is published ----------------------------------------------------------------------------------------------------

    /// @notice A payer gets at most this many times what it paid.
    function AWARD_MULTIPLE() external view returns (uint256);

    /// @notice A bond is the payment divided by this, rounded up.
    function BOND_DIVISOR() external view returns (uint256);

    /// @notice Seconds after a payment in which it can be disputed.
    function DISPUTE_PERIOD() external view returns (uint256);

    /// @notice Seconds that an arbiter has to rule.
    function RULING_PERIOD() external view returns (uint256);

    /// @notice Seconds from asking stake back to having it; longer than DISPUTE_PERIOD.
    function WITHDRAWAL_DELAY() external view returns (uint256);

    /// @notice Seconds from proposing an arbiter to the change; longer than DISPUTE_PERIOD, so a payment's arbiter is known when paying.
    function ARBITER_DELAY() external view returns (uint256);

    /// @notice The router whose payments count.
    function ROUTER() external view returns (IPaymentRouter);

    // providers ------------------------------------------------------------------------------------------------------------

    /// @notice Register a service with its stake, which the caller pays.
    function register(Registration calldata registration) external payable returns (bytes32 service);

    function addStake(bytes32 service, uint256 amount) external payable;

    function update(bytes32 service, uint256 price, string calldata metadataURI) external;

    /// @notice Deactivate a service, or list it again.
    function setListed(bytes32 service, bool listed) external;

    /// @notice Name the arbiter of payments from ARBITER_DELAY on. A new proposal replaces one that has not taken effect.
    function proposeArbiter(bytes32 service, address arbiter) external;

    /// @notice Ask for a part of the stake back: replaces an earlier request, and the delay begins again. All of it only when not listed.
    function requestWithdrawal(bytes32 service, uint256 amount) external;

    /// @notice Take what was asked for and is not locked by a dispute.
    function withdraw(bytes32 service, address to) external returns (uint256 amount);

    // payers ---------------------------------------------------------------------------------------------------------------

    /// @notice Rate a payment once, 1 to 5; for the payer, or the agent that the payment names.
    function rate(address payer, IPaymentRouter.ServicePayment calldata payment, uint256 score) external;

    /// @notice Dispute a payment once, with a bond; for the payer, or the agent that the payment names. An award is the payer's.
    function openDispute(address payer, IPaymentRouter.ServicePayment calldata payment, bytes32 evidence)
        external
        payable
        returns (bytes32 request);

    /// @notice Rule, before the deadline. With an award the bond goes back; with none it is the payee's.
    function rule(bytes32 request, uint256 award) external;

    /// @notice After the deadline without a ruling: the bond goes back and the stake is free. Anybody may call.
    function lapse(bytes32 request) external;

    /// @notice Pay out what `account` is owed. Anybody may have it sent to the account itself, only the account to elsewhere.
    function claim(address token, address account, address to) external returns (uint256 amount);

    // views ----------------------------------------------------------------------------------------------------------------

    function serviceId(address provider, bytes32 salt) external pure returns (bytes32);

    function serviceOf(bytes32 service) external view returns (Service memory);

    /// @notice Who judges disputes that are opened now.
    function arbiterOf(bytes32 service) external view returns (address);

    /// @notice What a new dispute could take and the provider did not ask back.
    function freeStake(bytes32 service) external view returns (uint256);

    /// @notice Listed, and with enough free stake for its price.
    function isActive(bytes32 service) external view returns (bool);

    function reputationOf(bytes32 service) external view returns (Reputation memory);

    function disputeOf(bytes32 request) external view returns (Dispute memory);

    function claimable(address token, address account) external view returns (uint256);

    /// @notice The bond for disputing a payment of `paid`.
    function bondFor(uint256 paid) external view returns (uint256);
}
