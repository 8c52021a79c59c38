// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {ServiceRegistry} from "../../src/ServiceRegistry.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {RouterTest} from "../router/RouterTest.sol";
import {PlainToken} from "../router/Tokens.sol";
import {Test} from "../support/Test.sol";

/// @notice Two providers, two payers and their arbiter do everything in any order, in a token and in coins.
contract RegistryHandler is Test {
    ServiceRegistry public immutable registry;
    PaymentRouter public immutable router;
    PlainToken public immutable token;
    address public immutable arbiter = named("arbiter");
    address[2] public providers;
    address[2] public payers;
    bytes32[] public services;
    bytes32[] public requests;

    mapping(bytes32 => IPaymentRouter.ServicePayment) private _payments;
    mapping(bytes32 => address) private _payerOf;
    mapping(bytes32 => uint256) private _award;
    bytes32[] private _paid;

    uint256 public tooMuch;
    uint256 public early;
    uint256 public twice;

    constructor(ServiceRegistry registry_, PlainToken token_) {
        (registry, token) = (registry_, token_);
        router = PaymentRouter(payable(address(registry_.ROUTER())));
        providers = [named("provider 0"), named("provider 1")];
        payers = [named("payer 0"), named("payer 1")];
    }

    function register(uint256 who, uint64 price, uint96 stake, bool coins, uint8 salt) external {
        IServiceRegistry.Registration memory r;
        (r.salt, r.payee, r.arbiter) = (bytes32(uint256(salt % 4)), named("treasury"), arbiter);
        (r.token, r.price, r.stake) = (coins ? address(0) : address(token), price, stake);
        vm.prank(providers[who % 2]);
        services.push(registry.register{value: coins ? stake : 0}(r));
    }

    function addStake(uint256 which, uint64 amount) external {
        bytes32 id = services[which % services.length];
        bool coins = registry.serviceOf(id).token == address(0);
        vm.prank(registry.serviceOf(id).provider);
        registry.addStake{value: coins ? amount : 0}(id, amount);
    }

    function pay(uint256 which, uint256 who, uint64 amount) external {
        bytes32 id = services[which % services.length];
        IPaymentRouter.ServicePayment memory p;
        (p.token, p.provider, p.service) = (registry.serviceOf(id).token, named("treasury"), id);
        (p.amount, p.requestHash) = (amount, bytes32(_paid.length));
        address payer = payers[who % 2];
        vm.prank(payer);
        bytes32 request = router.payForService{value: p.token == address(0) ? amount : 0}(p);
        (_payments[request], _payerOf[request]) = (p, payer);
        _paid.push(request);
    }

    function dispute(uint256 which) external {
        bytes32 request = _paid[which % _paid.length];
        IPaymentRouter.ServicePayment memory p = _payments[request];
        uint256 bond = registry.bondFor(p.amount);
        vm.prank(_payerOf[request]);
        registry.openDispute{value: p.token == address(0) ? bond : 0}(_payerOf[request], p, "");
        requests.push(request);
    }

    function rule(uint256 which, uint128 award) external {
        bytes32 request = requests[which % requests.length];
        award = uint128(bound(award, 0, registry.disputeOf(request).locked));
        vm.prank(arbiter);
        registry.rule(request, award);
        if (_award[request] != 0) ++twice;
        _award[request] += award;
        if (award > 2 * _payments[request].amount) ++tooMuch;
    }

    function lapse(uint256 which, uint24 wait) external {
        vm.warp(block.timestamp + wait);
        registry.lapse(requests[which % requests.length]);
    }

    function requestWithdrawal(uint256 which, uint128 amount, bool listed) external {
        bytes32 id = services[which % services.length];
        vm.startPrank(registry.serviceOf(id).provider);
        registry.setListed(id, listed);
        registry.requestWithdrawal(id, bound(amount, 0, registry.serviceOf(id).stake));
        vm.stopPrank();
    }

    function withdraw(uint256 which, uint24 wait) external {
        vm.warp(block.timestamp + wait);
        bytes32 id = services[which % services.length];
        address provider = registry.serviceOf(id).provider;
        if (block.timestamp < registry.serviceOf(id).withdrawableAt) ++early;
        vm.prank(provider);
        registry.withdraw(id, provider);
    }

    function claim(uint256 who, bool coins) external {
        address account = [payers[0], payers[1], named("treasury")][who % 3];
        registry.claim(coins ? address(0) : address(token), account, account);
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
        for (uint256 i = 0; i < 2; ++i) {
            fund(handler.providers(i));
            fund(handler.payers(i));
        }
        handler.register(0, 1000, 1e9, false, 0);
        handler.register(1, 1000, 1e9, true, 0);
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = handler.register.selector;
        selectors[1] = handler.addStake.selector;
        selectors[2] = handler.pay.selector;
        selectors[3] = handler.dispute.selector;
        selectors[4] = handler.rule.selector;
        selectors[5] = handler.lapse.selector;
        selectors[6] = handler.requestWithdrawal.selector;
        selectors[7] = handler.withdraw.selector;
        selectors[8] = handler.claim.selector;
        target(address(handler), selectors);
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
        vm.assertEq(handler.tooMuch() + handler.twice() + handler.early(), 0);
        vm.assertEq(plain.balanceOf(handler.arbiter()) + handler.arbiter().balance, 0);
        vm.assertEq(registry.claimable(address(plain), handler.arbiter()), 0);
    }

    function fund(address who) private {
        plain.mint(who, EACH);
        vm.deal(who, EACH);
        vm.startPrank(who);
        plain.approve(address(registry), type(uint256).max);
        plain.approve(address(router), type(uint256).max);
        vm.stopPrank();
    }
}
