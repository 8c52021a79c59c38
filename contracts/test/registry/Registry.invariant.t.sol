// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {ServiceRegistry} from "../../src/ServiceRegistry.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {RouterTest} from "../router/RouterTest.sol";
import {PlainToken} from "../router/Tokens.sol";
import {Test} from "../support/Test.sol";

/// @notice Two providers, two payers and two arbiters do everything in any order, in a token and in coins.
contract RegistryHandler is Test {
    ServiceRegistry public immutable registry;
    PaymentRouter public immutable router;
    PlainToken public immutable token;
    address[2] public arbiters;
    address[2] public providers;
    address[2] public payers;
    bytes32[] public services;
    bytes32[] public requests;

    mapping(bytes32 => IPaymentRouter.ServicePayment) private _payments;
    mapping(bytes32 => address) private _payerOf;
    mapping(bytes32 => address) private _arbiterOf;
    mapping(bytes32 => uint256) private _ended;
    mapping(bytes32 => uint256) private _requestedAt;
    bytes32[] private _paid;

    mapping(string name => uint256) public successes;
    uint256 public tooMuch;
    uint256 public early;
    uint256 public twice;
    uint256 public otherArbiter;

    constructor(ServiceRegistry registry_, PlainToken token_) {
        (registry, token) = (registry_, token_);
        router = PaymentRouter(payable(address(registry_.ROUTER())));
        arbiters = [named("arbiter 0"), named("arbiter 1")];
        providers = [named("provider 0"), named("provider 1")];
        payers = [named("payer 0"), named("payer 1")];
    }

    /// @notice Hours mostly, so that disputes are in time; at times what outlasts every delay.
    function wait(uint256 time) external {
        vm.warp(block.timestamp + (time % 4 == 0 ? time % 15 days : time % 12 hours));
    }

    function register(uint256 who, uint256 numbers, uint256 salt) external {
        bool coins = salt % 2 == 0;
        IServiceRegistry.Registration memory r;
        (r.salt, r.payee, r.arbiter) = (bytes32(salt % 32), named("treasury"), arbiters[who / 2 % 2]);
        (r.token, r.price, r.stake) = (coins ? address(0) : address(token), uint32(numbers), uint64(numbers >> 32));
        vm.prank(providers[who % 2]);
        services.push(registry.register{value: coins ? r.stake : 0}(r));
        ++successes["register"];
    }

    function addStake(uint256 which, uint256 amount) external {
        bytes32 id = services[which % services.length];
        amount = uint64(amount);
        bool coins = registry.serviceOf(id).token == address(0);
        vm.prank(registry.serviceOf(id).provider);
        registry.addStake{value: coins ? amount : 0}(id, amount);
        ++successes["add stake"];
    }

    /// @dev Some payments are worth more than all stakes.
    function pay(uint256 which, uint256 who, uint256 amount) external {
        bytes32 id = services[which % services.length];
        IPaymentRouter.ServicePayment memory p;
        (p.token, p.provider, p.service) = (registry.serviceOf(id).token, named("treasury"), id);
        (p.amount, p.requestHash) = (1 + amount % (amount % 2 == 0 ? 1e18 : 1e9), bytes32(_paid.length));
        address payer = payers[who % 2];
        vm.prank(payer);
        bytes32 request = router.payForService{value: p.token == address(0) ? p.amount : 0}(p);
        (_payments[request], _payerOf[request]) = (p, payer);
        _paid.push(request);
        ++successes["pay"];
    }

    function rate(uint256 which, uint256 score) external {
        bytes32 request = _latest(_paid, which);
        vm.prank(_payerOf[request]);
        registry.rate(_payerOf[request], _payments[request], score % 7);
        ++successes["rate"];
    }

    function dispute(uint256 which) external {
        bytes32 request = _latest(_paid, which);
        IPaymentRouter.ServicePayment memory p = _payments[request];
        uint256 bond = registry.bondFor(p.amount);
        vm.prank(_payerOf[request]);
        registry.openDispute{value: p.token == address(0) ? bond : 0}(_payerOf[request], p, "");
        _arbiterOf[request] = registry.disputeOf(request).arbiter;
        if (_arbiterOf[request] != registry.arbiterOf(p.service)) ++otherArbiter;
        requests.push(request);
        ++successes["dispute"];
    }

    /// @dev A third of the awards are nothing, a third all that is locked.
    function rule(uint256 which, uint256 award) external {
        bytes32 request = _latest(requests, which);
        uint256 locked_ = registry.disputeOf(request).locked;
        award = award % 3 == 0 ? 0 : award % 3 == 1 ? locked_ : bound(award, 0, locked_);
        if (registry.disputeOf(request).arbiter != _arbiterOf[request]) ++otherArbiter;
        vm.prank(_arbiterOf[request]);
        registry.rule(request, award);
        if (++_ended[request] > 1) ++twice;
        if (award > 2 * _payments[request].amount) ++tooMuch;
        ++successes[award == 0 ? "reject" : "slash"];
    }

    /// @dev Half of the time the deadline is waited for.
    function lapse(uint256 which, uint256 waits) external {
        bytes32 request = _latest(requests, which);
        if (waits % 2 == 0) _waitUntil(uint256(registry.disputeOf(request).deadline) + 1);
        registry.lapse(request);
        if (++_ended[request] > 1) ++twice;
        ++successes["lapse"];
    }

    function proposeArbiter(uint256 which, uint256 who) external {
        bytes32 id = services[which % services.length];
        vm.prank(registry.serviceOf(id).provider);
        registry.proposeArbiter(id, arbiters[who % 2]);
        ++successes["propose an arbiter"];
    }

    function requestWithdrawal(uint256 which, uint256 amount, uint256 listed) external {
        bytes32 id = services[which % services.length];
        vm.startPrank(registry.serviceOf(id).provider);
        registry.setListed(id, listed % 2 == 0);
        registry.requestWithdrawal(id, bound(amount, 0, registry.serviceOf(id).stake));
        vm.stopPrank();
        _requestedAt[id] = block.timestamp;
        ++successes["request a withdrawal"];
    }

    /// @dev Half of the time the delay is waited for.
    function withdraw(uint256 which, uint256 waits) external {
        bytes32 id = services[which % services.length];
        address provider = registry.serviceOf(id).provider;
        if (waits % 2 == 0) _waitUntil(registry.serviceOf(id).withdrawableAt);
        vm.prank(provider);
        registry.withdraw(id, provider);
        if (block.timestamp < _requestedAt[id] + registry.WITHDRAWAL_DELAY()) ++early;
        ++successes["withdraw"];
    }

    function claim(uint256 who, uint256 coins) external {
        address holder = [payers[0], payers[1], named("treasury")][who % 3];
        registry.claim(coins % 2 == 0 ? address(0) : address(token), holder, holder);
        ++successes["claim"];
    }

    /// @notice What the registry owes in a token: stakes, bonds of open disputes, claims.
    function owed(address asset) external returns (uint256 sum) {
        for (uint256 i = 0; i < services.length; ++i) {
            if (registry.serviceOf(services[i]).token == asset) sum += registry.serviceOf(services[i]).stake;
        }
        for (uint256 i = 0; i < requests.length; ++i) {
            IServiceRegistry.Dispute memory d = registry.disputeOf(requests[i]);
            bool open = d.status == IServiceRegistry.Status.OPEN;
            if (open && registry.serviceOf(d.service).token == asset) sum += d.bond;
        }
        sum += registry.claimable(asset, payers[0]) + registry.claimable(asset, payers[1]);
        sum += registry.claimable(asset, named("treasury"));
    }

    function locked(bytes32 id) external view returns (uint256 sum) {
        for (uint256 i = 0; i < requests.length; ++i) {
            IServiceRegistry.Dispute memory d = registry.disputeOf(requests[i]);
            if (d.service == id && d.status == IServiceRegistry.Status.OPEN) sum += d.locked;
        }
    }

    function serviceCount() external view returns (uint256) {
        return services.length;
    }

    /// @dev One of the latest three mostly: what is older is decided, or too old.
    function _latest(bytes32[] storage list, uint256 which) private view returns (bytes32) {
        uint256 back = which % 4 == 0 || list.length < 3 ? which % list.length : which % 3;
        return list[list.length - 1 - back];
    }

    function _waitUntil(uint256 time) private {
        if (block.timestamp < time) vm.warp(time);
    }
}

contract RegistryInvariantTest is RouterTest {
    uint256 private constant EACH = type(uint128).max;

    RegistryHandler private handler;
    ServiceRegistry private registry;
    PlainToken private plain;

    function setUp() public override {
        super.setUp();
        plain = new PlainToken(6);
        registry = new ServiceRegistry(router);
        handler = new RegistryHandler(registry, plain);
        vm.deal(address(handler), EACH);
        for (uint256 i = 0; i < 2; ++i) {
            fund(handler.providers(i));
            fund(handler.payers(i));
        }
        handler.register(0, 1000 | 1e9 << 32, 1);
        handler.register(1, 1000 | 1e9 << 32, 0);
        target(address(handler), _selectors());
    }

    function invariant_stakes_bonds_and_claims_are_covered() public {
        vm.assertEq(plain.balanceOf(address(registry)), handler.owed(address(plain)));
        vm.assertEq(address(registry).balance, handler.owed(address(0)));
    }

    function invariant_open_disputes_are_covered_by_locked_stake() public view {
        for (uint256 i = 0; i < handler.serviceCount(); ++i) {
            bytes32 id = handler.services(i);
            vm.assertEq(registry.serviceOf(id).locked, handler.locked(id));
            vm.assertLe(registry.serviceOf(id).locked, registry.serviceOf(id).stake);
        }
    }

    function invariant_awards_keep_to_the_multiple_and_the_arbiter_gets_nothing() public view {
        vm.assertEq(handler.tooMuch() + handler.twice() + handler.early() + handler.otherArbiter(), 0);
        for (uint256 i = 0; i < 2; ++i) {
            address arbiter = handler.arbiters(i);
            vm.assertEq(plain.balanceOf(arbiter) + arbiter.balance, 0);
            vm.assertEq(registry.claimable(address(plain), arbiter) + registry.claimable(address(0), arbiter), 0);
        }
    }

    /// @notice A fuzzer's calls succeed at everything: without this the invariants could hold because nothing happens.
    function test_random_calls_succeed_at_everything() public {
        walk(address(handler), _selectors(), 600);
        string[12] memory names = [
            "register",
            "add stake",
            "pay",
            "rate",
            "dispute",
            "reject",
            "slash",
            "lapse",
            "propose an arbiter",
            "request a withdrawal",
            "withdraw",
            "claim"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            vm.assertGe(handler.successes(names[i]), 5, names[i]);
        }
        invariant_stakes_bonds_and_claims_are_covered();
        invariant_open_disputes_are_covered_by_locked_stake();
        invariant_awards_keep_to_the_multiple_and_the_arbiter_gets_nothing();
    }

    function fund(address who) private {
        plain.mint(who, EACH);
        vm.deal(who, EACH);
        vm.startPrank(who);
        plain.approve(address(registry), type(uint256).max);
        plain.approve(address(router), type(uint256).max);
        vm.stopPrank();
    }

    function _selectors() private pure returns (bytes4[] memory made) {
        made = new bytes4[](13);
        made[0] = RegistryHandler.wait.selector;
        made[1] = RegistryHandler.register.selector;
        made[2] = RegistryHandler.addStake.selector;
        made[3] = RegistryHandler.pay.selector;
        made[4] = RegistryHandler.rate.selector;
        made[5] = RegistryHandler.dispute.selector;
        made[6] = RegistryHandler.rule.selector;
        made[7] = RegistryHandler.lapse.selector;
        made[8] = RegistryHandler.proposeArbiter.selector;
        made[9] = RegistryHandler.requestWithdrawal.selector;
        made[10] = RegistryHandler.withdraw.selector;
        made[11] = RegistryHandler.claim.selector;
        made[12] = RegistryHandler.dispute.selector;
    }
}
