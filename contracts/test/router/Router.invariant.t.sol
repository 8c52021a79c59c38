// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {Test} from "../support/Test.sol";
import {RouterTest} from "./RouterTest.sol";
import {Source} from "./Sources.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Any payer calls any entry with any numbers; it counts what the router should have done.
contract RouterHandler is Test {
    PaymentRouter public immutable router;
    PlainToken public immutable token;
    address[3] public payers;
    address[2] public payees;
    Source public immutable source;

    uint256 public paid;
    uint256 public repeated;
    uint256 public overcharged;
    mapping(bytes32 => bool) private _requests;
    mapping(bytes32 => mapping(uint256 => bool)) private _periods;
    mapping(bytes32 => uint256) private _charged;
    mapping(string => uint256) public calls;

    constructor(PaymentRouter router_, PlainToken token_) payable {
        (router, token) = (router_, token_);
        source = new Source{value: msg.value}(router_);
        payers = [named("payer 0"), named("payer 1"), named("payer 2")];
        payees = [named("payee 0"), named("payee 1")];
    }

    function batch(uint256 who, uint96[4] calldata amounts, bool itemized, bool coins) external {
        IPaymentRouter.Batch memory b;
        (b.token, b.itemized) = (coins ? address(0) : address(token), itemized);
        b.payments = new IPaymentRouter.Payment[](4);
        uint256 total;
        for (uint256 i = 0; i < 4; ++i) {
            b.payments[i] = IPaymentRouter.Payment(payees[i % 2], amounts[i]);
            total += amounts[i];
        }
        vm.prank(payers[who % 3]);
        router.batchPay{value: coins ? total : 0}(b);
        _count("batch", total);
    }

    function split(uint256 who, uint96 amount, uint128[2] calldata weights, bool coins) external {
        IPaymentRouter.Split memory s;
        (s.token, s.amount) = (coins ? address(0) : address(token), amount);
        s.shares = new IPaymentRouter.Share[](2);
        for (uint256 i = 0; i < 2; ++i) {
            s.shares[i] = IPaymentRouter.Share(payees[i], weights[i]);
        }
        vm.prank(payers[who % 3]);
        router.splitPay{value: coins ? amount : 0}(s);
        _count("split", amount);
    }

    function serve(uint256 who, uint96 amount, uint8 request, bool coins) external {
        IPaymentRouter.ServicePayment memory p = _payment(amount, request, coins);
        vm.prank(payers[who % 3]);
        bytes32 id = router.payForService{value: coins ? amount : 0}(p);
        _countRequest(id, amount);
    }

    function serveFromSource(uint96 amount, uint8 request, bool coins, uint8 way) external {
        source.behave(Source.Way(way % 5));
        bytes32 id = source.pay(_payment(amount, request, coins));
        _countRequest(id, amount);
    }

    function subscribe(uint256 who, uint8 terms) external {
        vm.prank(payers[who % 3]);
        router.subscribe(_terms(terms));
        ++calls["subscribe"];
    }

    function cancel(uint256 who, uint8 terms) external {
        vm.prank(payers[who % 3]);
        router.cancel(_terms(terms));
        ++calls["cancel"];
    }

    function charge(uint256 who, uint8 terms, uint24 wait) external {
        vm.warp(block.timestamp + wait);
        IPaymentRouter.Terms memory t = _terms(terms);
        address payer = payers[who % 3];
        bytes32 id = router.charge(payer, t);
        uint256 number = (block.timestamp - router.subscriptionOf(payer, t).start) / t.period;
        if (_periods[id][number]) ++repeated;
        _periods[id][number] = true;
        _charged[id] += t.amount;
        if (_charged[id] > t.cap) ++overcharged;
        _count("charge", t.amount);
    }

    function _payment(uint96 amount, uint8 request, bool coins)
        private
        view
        returns (IPaymentRouter.ServicePayment memory p)
    {
        (p.token, p.provider, p.amount) = (coins ? address(0) : address(token), payees[request % 2], amount);
        p.requestHash = bytes32(uint256(request % 16));
    }

    function _terms(uint8 number) private view returns (IPaymentRouter.Terms memory t) {
        number %= 4;
        (t.token, t.payee, t.amount) = (address(token), payees[number % 2], 10 + number);
        (t.cap, t.period, t.salt) = (100, 5 days, bytes32(uint256(number)));
    }

    function _countRequest(bytes32 id, uint256 amount) private {
        if (_requests[id]) ++repeated;
        _requests[id] = true;
        _count("serve", amount);
    }

    function _count(string memory name, uint256 amount) private {
        paid += amount;
        ++calls[name];
    }
}

contract RouterInvariantTest is RouterTest {
    uint256 private constant EACH = type(uint128).max;

    RouterHandler private handler;
    PlainToken private plain;

    function setUp() public override {
        super.setUp();
        plain = new PlainToken(6);
        vm.deal(address(this), EACH);
        handler = new RouterHandler{value: EACH}(router, plain);
        plain.mint(address(handler.source()), EACH);
        for (uint256 i = 0; i < 3; ++i) {
            plain.mint(handler.payers(i), EACH);
            vm.deal(handler.payers(i), EACH);
            vm.prank(handler.payers(i));
            plain.approve(address(router), type(uint256).max);
        }
        target(address(handler));
    }

    function invariant_router_keeps_nothing() public view {
        vm.assertEq(plain.balanceOf(address(router)), 0);
        vm.assertEq(address(router).balance, 0);
    }

    function invariant_payees_have_exactly_what_was_paid() public view {
        uint256 received;
        for (uint256 i = 0; i < 2; ++i) {
            received += plain.balanceOf(handler.payees(i)) + handler.payees(i).balance;
        }
        vm.assertEq(received, handler.paid());
    }

    function invariant_no_request_and_no_period_is_paid_twice() public view {
        vm.assertEq(handler.repeated(), 0);
    }

    function invariant_no_cap_is_exceeded() public view {
        vm.assertEq(handler.overcharged(), 0);
    }
}
