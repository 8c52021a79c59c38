// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentRouter} from "../../src/PaymentRouter.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IPaymentSource} from "../../src/interfaces/IPaymentSource.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice A payer that is asked to pay, as an AgentWallet is; it can be told to behave badly.
contract Source is IPaymentSource {
    enum Way {
        HONEST,
        SHORT,
        GENEROUS,
        PAYEE,
        NEVER
    }

    PaymentRouter public immutable router;
    Way public way;
    bytes32 public asked;
    address public askedFor;

    constructor(PaymentRouter router_) payable {
        router = router_;
    }

    function behave(Way way_) external {
        way = way_;
    }

    function collect(address token, address payee, uint256 amount, bytes32 ref) external {
        (asked, askedFor) = (ref, payee);
        if (way == Way.NEVER) return;
        if (way == Way.SHORT) amount -= 1;
        if (way == Way.GENEROUS) amount += 1;
        address to = way == Way.PAYEE ? payee : msg.sender;
        if (token != address(0)) PlainToken(token).transfer(to, amount);
        else payable(to).transfer(amount);
    }

    function pay(IPaymentRouter.ServicePayment calldata payment) external returns (bytes32) {
        return router.payForServiceFromSource(payment);
    }

    function subscribe(IPaymentRouter.Terms calldata terms) external returns (bytes32) {
        return router.subscribe(terms);
    }
}
