// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {DevUSD} from "../../devnet/DevUSD.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import {Signing} from "./Signing.sol";
import {Source} from "./Sources.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Any payer calls any entry with any numbers and pays in each way there is; it counts what the router should have done.
contract RouterHandler is Signing {
    enum Way {
        COINS,
        ALLOWANCE,
        PERMIT,
        AUTHORIZATION
    }

    PaymentRouter public immutable router;
    DevUSD public immutable token;
    address[3] public payers;
    address[2] public payees;
    Source public immutable source;

    uint256 public paid;
    uint256 public repeated;
    uint256 public overcharged;
    mapping(bytes32 => bool) private _requests;
    mapping(bytes32 => mapping(uint256 => bool)) private _periods;
    mapping(bytes32 => uint256) private _charged;
    mapping(string name => uint256) public successes;
    mapping(string name => mapping(Way => uint256)) public successesBy;
    uint256[3] private _keys;
    address[] private _subscribers;
    IPaymentRouter.Terms[] private _agreed;
    uint256 private _memo;

    constructor(PaymentRouter router_, DevUSD token_) payable {
        (router, token) = (router_, token_);
        source = new Source{value: msg.value}(router_);
        (payers[0], _keys[0]) = account("payer 0");
        (payers[1], _keys[1]) = account("payer 1");
        (payers[2], _keys[2]) = account("payer 2");
        payees = [named("payee 0"), named("payee 1")];
    }

    /// @dev A permit is all the allowance there is while it pays; the payer's endless one comes back afterwards.
    modifier paying(uint256 who, uint256 way) {
        bool permitted = _way(way) == Way.PERMIT;
        if (permitted) _allow(payers[who % 3], 0);
        _;
        if (permitted) _allow(payers[who % 3], type(uint256).max);
    }

    function batch(uint256 who, uint256 amounts, uint256 way) external paying(who, way) {
        IPaymentRouter.Batch memory b;
        (b.token, b.itemized, b.memo) = (_tokenFor(way), who % 2 == 0, bytes32(++_memo));
        b.payments = new IPaymentRouter.Payment[](4);
        uint256 total;
        for (uint256 i = 0; i < 4; ++i) {
            b.payments[i] = IPaymentRouter.Payment(payees[i % 2], _part(amounts, i));
            total += b.payments[i].amount;
        }
        IPaymentRouter.Permit memory permit = _permit(who, total);
        IPaymentRouter.Authorization memory authorization = _authorization(who, total, router.batchNonce(b));
        if (_way(way) != Way.AUTHORIZATION) vm.prank(payers[who % 3]);
        if (_way(way) == Way.PERMIT) router.batchPayWithPermit(b, permit);
        else if (_way(way) == Way.AUTHORIZATION) router.batchPayWithAuthorization(b, authorization);
        else router.batchPay{value: _coins(way, total)}(b);
        _count("batch", way, total);
    }

    function split(uint256 who, uint256 amounts, uint256 way) external paying(who, way) {
        IPaymentRouter.Split memory s;
        (s.token, s.amount, s.memo) = (_tokenFor(way), uint96(amounts), bytes32(++_memo));
        s.shares = new IPaymentRouter.Share[](2);
        for (uint256 i = 0; i < 2; ++i) {
            s.shares[i] = IPaymentRouter.Share(payees[i], _part(amounts, i));
        }
        IPaymentRouter.Permit memory permit = _permit(who, s.amount);
        IPaymentRouter.Authorization memory authorization = _authorization(who, s.amount, router.splitNonce(s));
        if (_way(way) != Way.AUTHORIZATION) vm.prank(payers[who % 3]);
        if (_way(way) == Way.PERMIT) router.splitPayWithPermit(s, permit);
        else if (_way(way) == Way.AUTHORIZATION) router.splitPayWithAuthorization(s, authorization);
        else router.splitPay{value: _coins(way, s.amount)}(s);
        _count("split", way, s.amount);
    }

    function serve(uint256 who, uint256 what, uint256 way) external paying(who, way) {
        IPaymentRouter.ServicePayment memory p = _payment(what, way);
        IPaymentRouter.Permit memory permit = _permit(who, p.amount);
        IPaymentRouter.Authorization memory authorization = _authorization(who, p.amount, router.serviceNonce(p));
        if (_way(way) != Way.AUTHORIZATION) vm.prank(payers[who % 3]);
        bytes32 id;
        if (_way(way) == Way.PERMIT) id = router.payForServiceWithPermit(p, permit);
        else if (_way(way) == Way.AUTHORIZATION) id = router.payForServiceWithAuthorization(p, authorization);
        else id = router.payForService{value: _coins(way, p.amount)}(p);
        _countRequest("serve", id, way, p.amount);
    }

    /// @dev Half of the time the source is honest: the router refuses all that it does otherwise.
    function serveFromSource(uint256 what, uint256 way, uint256 behaviour) external {
        source.behave(Source.Way(behaviour % 2 == 0 ? 0 : behaviour / 2 % 5));
        IPaymentRouter.ServicePayment memory p = _payment(what, way % 2);
        _countRequest("serve from source", source.pay(p), way % 2, p.amount);
    }

    function subscribe(uint256 who, uint256 terms, uint256 way) external {
        IPaymentRouter.Terms memory t = _terms(terms);
        IPaymentRouter.Permit memory permit = _permit(who, type(uint256).max);
        address payer = payers[who % 3];
        if (way % 3 == 0) (payer, t.fromSource) = (address(source), true);
        if (way % 3 == 0) source.subscribe(t);
        else vm.prank(payer);
        if (way % 3 == 1) router.subscribe(t);
        if (way % 3 == 2) router.subscribeWithPermit(t, permit);
        _subscribers.push(payer);
        _agreed.push(t);
        ++successes[["subscribe from source", "subscribe", "subscribe by permit"][way % 3]];
    }

    /// @dev One in four only, so that some live until their cap.
    function cancel(uint256 which, uint256 whether) external {
        if (whether % 4 != 0) return;
        vm.prank(_subscribers[which % _subscribers.length]);
        router.cancel(_agreed[which % _agreed.length]);
        ++successes["cancel"];
    }

    function charge(uint256 which, uint256 time) external {
        vm.warp(block.timestamp + time % 8 days);
        source.behave(Source.Way.HONEST);
        (address payer, IPaymentRouter.Terms memory t) =
            (_subscribers[which % _subscribers.length], _agreed[which % _agreed.length]);
        bytes32 id = router.charge(payer, t);
        uint256 number = (block.timestamp - router.subscriptionOf(payer, t).start) / t.period;
        if (_periods[id][number]) ++repeated;
        _periods[id][number] = true;
        _charged[id] += t.amount;
        if (_charged[id] > t.cap) ++overcharged;
        if (_charged[id] + t.amount > t.cap) ++successes["reach the cap"];
        paid += t.amount;
        ++successes[t.fromSource ? "charge from source" : "charge"];
    }

    /// @dev Seldom zero, which is refused.
    function _part(uint256 amounts, uint256 index) private pure returns (uint256) {
        return amounts % 32 == index ? 0 : uint80(uint256(keccak256(abi.encode(amounts, index))));
    }

    function _payment(uint256 what, uint256 way) private view returns (IPaymentRouter.ServicePayment memory p) {
        (p.token, p.provider, p.amount) = (_tokenFor(way), payees[what % 2], uint96(what >> 8));
        p.requestHash = bytes32(what % 256 / 2);
    }

    /// @dev Four terms with a cap of five or six charges, and others without number.
    function _terms(uint256 number) private view returns (IPaymentRouter.Terms memory t) {
        number %= 32;
        (t.token, t.payee, t.amount) = (address(token), payees[number % 2], 10 + number % 4);
        (t.cap, t.period, t.salt) = (66, 5 days, bytes32(number));
    }

    function _way(uint256 way) private pure returns (Way) {
        return Way(way % 4);
    }

    function _tokenFor(uint256 way) private view returns (address) {
        return _way(way) == Way.COINS ? address(0) : address(token);
    }

    function _coins(uint256 way, uint256 amount) private pure returns (uint256) {
        return _way(way) == Way.COINS ? amount : 0;
    }

    function _permit(uint256 who, uint256 value) private view returns (IPaymentRouter.Permit memory) {
        return permitBy(_keys[who % 3], token, address(router), value);
    }

    function _authorization(uint256 who, uint256 value, bytes32 nonce)
        private
        view
        returns (IPaymentRouter.Authorization memory)
    {
        return authorizationBy(_keys[who % 3], token, address(router), value, nonce);
    }

    function _allow(address payer, uint256 value) private {
        vm.prank(payer);
        token.approve(address(router), value);
    }

    function _countRequest(string memory name, bytes32 id, uint256 way, uint256 amount) private {
        if (_requests[id]) ++repeated;
        _requests[id] = true;
        _count(name, way, amount);
    }

    function _count(string memory name, uint256 way, uint256 amount) private {
        paid += amount;
        ++successes[name];
        ++successesBy[name][_way(way)];
    }
}

contract RouterInvariantTest is RouterTest {
    uint256 private constant EACH = type(uint128).max;

    RouterHandler private handler;

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), EACH);
        handler = new RouterHandler{value: EACH}(router, token);
        token.mint(address(handler.source()), EACH);
        for (uint256 i = 0; i < 3; ++i) {
            token.mint(handler.payers(i), EACH);
            vm.deal(handler.payers(i), EACH);
            vm.prank(handler.payers(i));
            token.approve(address(router), type(uint256).max);
        }
        target(address(handler), _selectors());
    }

    function invariant_router_keeps_nothing() public view {
        assertKeepsNothing();
    }

    function invariant_payees_have_exactly_what_was_paid() public view {
        uint256 received;
        for (uint256 i = 0; i < 2; ++i) {
            received += token.balanceOf(handler.payees(i)) + handler.payees(i).balance;
        }
        vm.assertEq(received, handler.paid());
    }

    function invariant_no_request_and_no_period_is_paid_twice() public view {
        vm.assertEq(handler.repeated(), 0);
    }

    function invariant_no_cap_is_exceeded() public view {
        vm.assertEq(handler.overcharged(), 0);
    }

    /// @notice A fuzzer's calls succeed at every entry and in every way: without this the invariants could hold because nothing happens.
    function test_random_calls_succeed_at_everything() public {
        walk(address(handler), _selectors(), 600);
        for (uint256 way = 0; way < 4; ++way) {
            _oftenBy("batch", way);
            _oftenBy("split", way);
            _oftenBy("serve", way);
        }
        _oftenBy("serve from source", 0);
        _oftenBy("serve from source", 1);
        string[7] memory names = [
            "subscribe",
            "subscribe by permit",
            "subscribe from source",
            "cancel",
            "charge",
            "charge from source",
            "reach the cap"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            vm.assertGe(handler.successes(names[i]), 5, names[i]);
        }
        invariant_payees_have_exactly_what_was_paid();
        invariant_router_keeps_nothing();
    }

    function _oftenBy(string memory name, uint256 way) private view {
        vm.assertGe(handler.successesBy(name, RouterHandler.Way(way)), 5, name);
    }

    /// @dev Charges more often than the rest, so that caps are reached.
    function _selectors() private pure returns (bytes4[] memory made) {
        made = new bytes4[](9);
        made[0] = RouterHandler.batch.selector;
        made[1] = RouterHandler.split.selector;
        made[2] = RouterHandler.serve.selector;
        made[3] = RouterHandler.serveFromSource.selector;
        made[4] = RouterHandler.subscribe.selector;
        made[5] = RouterHandler.cancel.selector;
        made[6] = RouterHandler.charge.selector;
        made[7] = RouterHandler.charge.selector;
        made[8] = RouterHandler.charge.selector;
    }
}
