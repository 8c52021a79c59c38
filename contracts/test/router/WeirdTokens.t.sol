// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {RouterTest} from "./RouterTest.sol";
import "./Tokens.sol";

/// @notice Each strange token is paid exactly or refused; none leaves anything in the router.
contract RouterWeirdTokensTest is RouterTest {
    function test_token_that_returns_nothing_is_paid() public {
        SilentToken silent = new SilentToken();
        silent.mint(payer, 200);
        vm.startPrank(payer);
        silent.approve(address(router), 200);
        router.batchPay(batchOf(address(silent), 70, 30));
        router.payForService(serviceOf(address(silent), 100));
        vm.assertEq(silent.balanceOf(provider), 170);
        vm.assertEq(silent.balanceOf(address(router)), 0);
    }

    function test_tokens_of_0_and_30_decimals_are_paid() public {
        PlainToken whole = funded(new PlainToken(0), 3);
        pay(whole, 2, 1);
        vm.assertEq(whole.balanceOf(provider), 2);
        PlainToken fine = funded(new PlainToken(30), 3e40);
        pay(fine, 2e40, 1e40);
        vm.assertEq(fine.balanceOf(provider), 2e40);
    }

    function test_token_that_returns_false_is_refused() public {
        FalseToken liar = new FalseToken();
        funded(liar, 200);
        bytes memory refusal = abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(liar));
        refuse(liar, refusal);
        expect(refusal);
        vm.prank(payer);
        router.payForService(serviceOf(address(liar), 100));
        liar.setTakes(true);
        refuse(liar, refusal);
    }

    function test_token_that_moves_nothing_is_refused() public {
        PlainToken liar = funded(new LyingToken(), 200);
        refuseInexact(liar, 0);
    }

    function test_token_that_takes_from_the_receiver_is_refused() public {
        PlainToken thief = funded(new ThiefToken(), 200);
        thief.mint(address(router), 10);
        thief.mint(provider, 10);
        refuseInexact(thief, 0);
    }

    function test_token_that_takes_a_fee_is_refused() public {
        FeeToken fee = new FeeToken();
        funded(fee, 200);
        fee.setFees(0, 1, address(0));
        refuseInexact(fee, 99);
        subscribeAndRefuse(fee);
    }

    function test_token_that_adds_a_bonus_is_refused() public {
        refuseInexact(funded(new BonusToken(), 200), 101);
    }

    function test_fee_on_the_way_out_of_the_router_is_refused() public {
        FeeToken fee = new FeeToken();
        Payer source = new Payer();
        fee.mint(address(source), 200);
        fee.setFees(0, 1, address(0));
        fee.setFreeSender(address(source));
        source.approve(fee, address(router));
        expect(abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, address(fee), 100, 99));
        source.pay(router, serviceOf(address(fee), 100));
    }

    function test_token_that_takes_more_from_the_router_is_refused() public {
        FeeToken fee = new FeeToken();
        funded(fee, 200);
        fee.mint(address(router), 10);
        fee.setFees(1, 0, address(router));
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 8));
        vm.prank(payer);
        router.batchPay(batchOf(address(fee), 70, 30));
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 8));
        vm.prank(payer);
        router.splitPay(splitOf(address(fee), 100, 1, 1));
    }

    function test_token_that_takes_more_is_refused_when_authorized() public {
        FeeToken fee = new FeeToken();
        fee.mint(payer, 200);
        fee.mint(address(router), 10);
        fee.setFees(1, 0, address(0));
        IPaymentRouter.Authorization memory authorization = IPaymentRouter.Authorization(payer, 0, 1, "");
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 8));
        router.batchPayWithAuthorization(batchOf(address(fee), 70, 30), authorization);
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 8));
        router.splitPayWithAuthorization(splitOf(address(fee), 100, 1, 1), authorization);
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 9));
        router.payForServiceWithAuthorization(serviceOf(address(fee), 100), authorization);
    }

    function test_token_that_takes_more_is_refused_from_a_source() public {
        FeeToken fee = new FeeToken();
        Payer source = new Payer();
        fee.mint(address(source), 200);
        fee.mint(address(router), 10);
        fee.setFees(1, 0, address(0));
        expect(abi.encodeWithSelector(IPaymentRouter.BalanceChanged.selector, address(fee), 10, 9));
        source.pay(router, serviceOf(address(fee), 100));
    }

    function test_authorization_that_brings_another_amount_is_refused() public {
        IdleToken idle = new IdleToken();
        expect(abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, address(idle), 100, 0));
        router.batchPayWithAuthorization(batchOf(address(idle), 70, 30), IPaymentRouter.Authorization(payer, 0, 1, ""));
    }

    function test_token_of_the_older_form_receives_the_parts_of_a_signature() public {
        OldToken old = new OldToken();
        old.mint(payer, 100);
        bytes memory parts = abi.encodePacked(bytes32("r"), bytes32("s"), uint8(27));
        router.batchPayWithAuthorization(
            batchOf(address(old), 70, 30), IPaymentRouter.Authorization(payer, 0, 1, parts)
        );
        vm.assertEq(old.r(), "r");
        vm.assertEq(old.s(), "s");
        vm.assertEq(old.v(), 27);
        vm.assertEq(old.balanceOf(provider), 70);
    }

    function test_rebasing_token_is_paid_or_refused_but_never_kept() public {
        RebasingToken rebasing = new RebasingToken();
        funded(rebasing, 1000);
        pay(rebasing, 70, 30);
        rebasing.rebase(200);
        pay(rebasing, 70, 30);
        vm.assertEq(rebasing.balanceOf(address(router)), 0);
        rebasing.rebase(150);
        refuseInexact(rebasing, 99);
    }

    function test_reverting_token_is_told_by_its_own_error() public {
        refuse(funded(new RevertingToken(), 200), abi.encodePacked(RevertingToken.Frozen.selector));
    }

    function test_blocked_payee_stops_the_whole_batch() public {
        BlocklistToken blocklist = new BlocklistToken();
        funded(blocklist, 200);
        blocklist.block_(other, true);
        refuse(blocklist, abi.encodeWithSelector(BlocklistToken.Blocked.selector, other));
        vm.assertEq(blocklist.balanceOf(provider), 0);
        blocklist.block_(other, false);
        blocklist.block_(payer, true);
        refuse(blocklist, abi.encodeWithSelector(BlocklistToken.Blocked.selector, payer));
    }

    function funded(PlainToken weird, uint256 amount) private returns (PlainToken) {
        weird.mint(payer, amount);
        vm.prank(payer);
        weird.approve(address(router), amount);
        return weird;
    }

    function pay(PlainToken weird, uint256 first, uint256 second) private {
        vm.prank(payer);
        router.batchPay(batchOf(address(weird), first, second));
        vm.assertEq(weird.balanceOf(address(router)), 0);
    }

    function refuse(PlainToken weird, bytes memory reason) private {
        expect(reason);
        vm.prank(payer);
        router.batchPay(batchOf(address(weird), 70, 30));
    }

    function refuseInexact(PlainToken weird, uint256 received) private {
        bytes memory refusal =
            abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, address(weird), 100, received);
        refuse(weird, refusal);
        expect(refusal);
        vm.prank(payer);
        router.splitPay(splitOf(address(weird), 100, 1, 1));
        expect(refusal);
        vm.prank(payer);
        router.payForService(serviceOf(address(weird), 100));
    }

    function subscribeAndRefuse(PlainToken weird) private {
        IPaymentRouter.Terms memory terms = termsOf(address(weird));
        vm.prank(payer);
        router.subscribe(terms);
        vm.warp(terms.start);
        expect(abi.encodeWithSelector(IPaymentRouter.InexactTransfer.selector, address(weird), 100, 99));
        router.charge(payer, terms);
    }
}

/// @notice A source whose own transfers are free of the fee.
contract Payer {
    function approve(PlainToken token, address spender) external {
        token.approve(spender, type(uint256).max);
    }

    function pay(IPaymentRouter router, IPaymentRouter.ServicePayment calldata payment) external {
        router.payForServiceFromSource(payment);
    }

    function collect(address token, address, uint256 amount, bytes32) external {
        PlainToken(token).transfer(msg.sender, amount);
    }
}
