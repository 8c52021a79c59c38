// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import "../router/Tokens.sol";
import {RegistryTest} from "./RegistryTest.sol";

/// @notice What strange tokens can do to a registry: nothing to anybody else's stake.
contract RegistryWeirdTokensTest is RegistryTest {
    function test_stakes_of_0_and_30_decimals() public {
        vm.assertEq(staked(new PlainToken(0), 200).stake, 200);
        vm.assertEq(staked(new PlainToken(30), 1e40).stake, 1e40);
    }

    function test_token_that_returns_nothing_is_staked_and_withdrawn() public {
        SilentToken silent = new SilentToken();
        silent.mint(provider, STAKE);
        IServiceRegistry.Registration memory r = registration();
        (r.token, r.salt) = (address(silent), "silent");
        vm.startPrank(provider);
        silent.approve(address(registry), STAKE);
        bytes32 id = registry.register(r);
        registry.requestWithdrawal(id, 800);
        vm.warp(block.timestamp + 14 days);
        registry.withdraw(id, other);
        vm.assertEq(silent.balanceOf(other), 800);
    }

    function test_token_that_takes_a_fee_is_refused() public {
        FeeToken fee = new FeeToken();
        fee.setFees(0, 1, address(0));
        refuseStake(fee, abi.encodeWithSelector(IServiceRegistry.InexactTransfer.selector, address(fee), STAKE, 999));
    }

    function test_token_that_moves_nothing_is_refused() public {
        LyingToken liar = new LyingToken();
        refuseStake(liar, abi.encodeWithSelector(IServiceRegistry.InexactTransfer.selector, address(liar), STAKE, 0));
    }

    function test_token_that_returns_false_is_refused() public {
        FalseToken liar = new FalseToken();
        bytes memory refusal = abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(liar));
        refuseStake(liar, refusal);
        liar.setTakes(true);
        bytes32 id = registered(liar, STAKE);
        vm.startPrank(provider);
        registry.requestWithdrawal(id, 1);
        vm.warp(block.timestamp + 14 days);
        expect(refusal);
        registry.withdraw(id, other);
    }

    function test_token_that_takes_more_on_the_way_out_is_refused() public {
        FeeToken fee = new FeeToken();
        bytes32 id = registered(fee, STAKE);
        fee.setFees(1, 0, address(0));
        vm.startPrank(provider);
        registry.requestWithdrawal(id, 100);
        vm.warp(block.timestamp + 14 days);
        expect(abi.encodeWithSelector(IServiceRegistry.InexactTransfer.selector, address(fee), 100, 101));
        registry.withdraw(id, other);
    }

    function test_token_that_shrinks_harms_nobody_elses_token() public {
        RebasingToken rebasing = new RebasingToken();
        bytes32 id = registered(rebasing, STAKE);
        rebasing.rebase(50);
        vm.startPrank(provider);
        registry.setListed(id, false);
        registry.requestWithdrawal(id, STAKE);
        registry.setListed(service, false);
        registry.requestWithdrawal(service, STAKE);
        vm.warp(block.timestamp + 14 days);
        vm.expectRevert();
        registry.withdraw(id, other);
        registry.withdraw(service, other);
        vm.assertEq(token.balanceOf(other), STAKE);
    }

    function test_blocked_payee_blocks_no_ruling() public {
        BlocklistToken blocklist = new BlocklistToken();
        blocklist.mint(payer, FUNDS);
        vm.startPrank(payer);
        blocklist.approve(address(router), FUNDS);
        blocklist.approve(address(registry), FUNDS);
        vm.stopPrank();
        IPaymentRouter.ServicePayment memory p;
        (p.token, p.provider, p.amount) = (address(blocklist), treasury, 100);
        p.service = registered(blocklist, STAKE);
        vm.startPrank(payer);
        router.payForService(p);
        bytes32 request = registry.openDispute(payer, p, "");
        vm.stopPrank();
        blocklist.block_(payer, true);
        vm.prank(arbiter);
        registry.rule(request, 200);
        expect(abi.encodeWithSelector(BlocklistToken.Blocked.selector, payer));
        registry.claim(address(blocklist), payer, payer);
        vm.prank(payer);
        registry.claim(address(blocklist), payer, other);
        vm.assertEq(blocklist.balanceOf(other), 210);
    }

    function test_reverting_token_is_told_by_its_own_error() public {
        refuseStake(new RevertingToken(), abi.encodePacked(RevertingToken.Frozen.selector));
    }

    function test_token_cannot_call_any_entry_back() public {
        HookToken hook = new HookToken();
        bytes32 id = registered(hook, STAKE);
        bytes[11] memory calls = entries();
        for (uint256 i = 0; i < calls.length; ++i) {
            hook.arm(address(registry), calls[i]);
            hook.mint(provider, 1);
            vm.startPrank(provider);
            hook.approve(address(registry), 1);
            registry.addStake(id, 1);
            vm.stopPrank();
            vm.assertFalse(hook.succeeded());
            vm.assertEq(hook.answer(), abi.encodePacked(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        }
        vm.assertEq(registry.serviceOf(id).stake, STAKE + calls.length);
    }

    function entries() private view returns (bytes[11] memory) {
        IPaymentRouter.ServicePayment memory p = payment(1, "1");
        return [
            abi.encodeCall(registry.register, (registration())),
            abi.encodeCall(registry.addStake, (service, 1)),
            abi.encodeCall(registry.update, (service, 1, "")),
            abi.encodeCall(registry.setListed, (service, false)),
            abi.encodeCall(registry.proposeArbiter, (service, other)),
            abi.encodeCall(registry.requestWithdrawal, (service, 1)),
            abi.encodeCall(registry.withdraw, (service, other)),
            abi.encodeCall(registry.rate, (payer, p, 5)),
            abi.encodeCall(registry.openDispute, (payer, p, "")),
            abi.encodeCall(registry.rule, ("1", 1)),
            abi.encodeCall(registry.claim, (address(token), payer, payer))
        ];
    }

    function test_token_cannot_lapse_a_dispute_meanwhile() public {
        HookToken hook = new HookToken();
        bytes32 id = registered(hook, STAKE);
        hook.mint(provider, 1);
        hook.arm(address(registry), abi.encodeCall(registry.lapse, ("1")));
        vm.startPrank(provider);
        hook.approve(address(registry), 1);
        registry.addStake(id, 1);
        vm.assertEq(hook.answer(), abi.encodePacked(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
    }

    function prepared(PlainToken weird, uint256 stake) private returns (IServiceRegistry.Registration memory r) {
        weird.mint(provider, stake + 1);
        vm.prank(provider);
        weird.approve(address(registry), stake);
        r = registration();
        (r.token, r.stake, r.salt) = (address(weird), stake, bytes32(uint256(uint160(address(weird)))));
    }

    function registered(PlainToken weird, uint256 stake) private returns (bytes32) {
        IServiceRegistry.Registration memory r = prepared(weird, stake);
        vm.prank(provider);
        return registry.register(r);
    }

    function staked(PlainToken weird, uint256 stake) private returns (IServiceRegistry.Service memory) {
        return registry.serviceOf(registered(weird, stake));
    }

    function refuseStake(PlainToken weird, bytes memory reason) private {
        IServiceRegistry.Registration memory r = prepared(weird, STAKE);
        refuse(reason);
        registry.register(r);
    }
}
