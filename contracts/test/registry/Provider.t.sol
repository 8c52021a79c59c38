// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ServiceRegistry} from "../../src/ServiceRegistry.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {Coinless} from "../router/Tokens.sol";
import {RegistryTest} from "./RegistryTest.sol";

contract RegistryProviderTest is RegistryTest {
    function test_registry_needs_a_router() public {
        expect(abi.encodeWithSelector(IServiceRegistry.NotARouter.selector, other));
        new ServiceRegistry(IPaymentRouter(other));
        vm.assertEq(address(registry.ROUTER()), address(router));
    }

    function test_published_numbers() public view {
        vm.assertEq(registry.AWARD_MULTIPLE(), 2);
        vm.assertEq(registry.BOND_DIVISOR(), 10);
        vm.assertEq(registry.RULING_PERIOD(), 7 days);
        vm.assertEq(registry.DISPUTE_PERIOD(), 7 days);
        vm.assertEq(registry.ARBITER_DELAY(), 14 days);
        vm.assertEq(registry.WITHDRAWAL_DELAY(), 14 days);
        vm.assertGt(registry.WITHDRAWAL_DELAY(), registry.DISPUTE_PERIOD());
    }

    function test_registration_takes_the_stake_and_is_readable() public {
        IServiceRegistry.Registration memory r = registration();
        r.salt = "second";
        bytes32 id = registry.serviceId(provider, "second");
        vm.assertEq(id, keccak256(abi.encode(provider, bytes32("second"))));
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceRegistered(id, provider, r);
        vm.prank(provider);
        vm.assertEq(registry.register(r), id);
        vm.assertEq(token.balanceOf(address(registry)), 2 * STAKE);
        IServiceRegistry.Service memory s = registry.serviceOf(id);
        vm.assertEq(s.provider, provider);
        vm.assertEq(s.payee, treasury);
        vm.assertEq(s.token, address(token));
        vm.assertEq(s.price, PRICE);
        vm.assertEq(s.stake, STAKE);
        vm.assertEq(s.arbiter, arbiter);
        vm.assertEq(s.metadataURI, "ipfs://weather");
        vm.assertEq(s.registeredAt, block.timestamp);
        vm.assertTrue(s.listed && registry.isActive(id));
        vm.assertEq(registry.arbiterOf(id), arbiter);
        vm.assertEq(registry.freeStake(id), STAKE);
    }

    function test_registration_in_coins() public {
        IServiceRegistry.Registration memory r = registration();
        (r.salt, r.token) = ("coins", address(0));
        refuse(abi.encodeWithSelector(IServiceRegistry.WrongValue.selector, STAKE, STAKE - 1));
        registry.register{value: STAKE - 1}(r);
        vm.prank(provider);
        registry.register{value: STAKE}(r);
        vm.assertEq(address(registry).balance, STAKE);
    }

    function test_registration_refuses_bad_input() public {
        IServiceRegistry.Registration memory r = registration();
        refuse(abi.encodeWithSelector(IServiceRegistry.AlreadyRegistered.selector, service));
        registry.register(r);
        r.salt = "second";
        bytes32 id = registry.serviceId(provider, "second");
        refuse(abi.encodeWithSelector(IServiceRegistry.WrongValue.selector, 0, 1));
        registry.register{value: 1}(r);
        r.payee = address(0);
        refuse(abi.encodePacked(IServiceRegistry.ZeroAddress.selector));
        registry.register(r);
        r.payee = treasury;
        r.arbiter = address(0);
        refuse(abi.encodePacked(IServiceRegistry.ZeroAddress.selector));
        registry.register(r);
        r.arbiter = provider;
        refuse(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, provider));
        registry.register(r);
        r.arbiter = treasury;
        refuse(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, treasury));
        registry.register(r);
        r.arbiter = arbiter;
        r.stake = 199;
        refuse(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, id, 200, 199));
        registry.register(r);
        (r.price, r.stake) = (0, 0);
        refuse(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, id, 1, 0));
        registry.register(r);
        (r.price, r.stake) = (type(uint256).max, 1);
        refuse(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, id, type(uint256).max, 1));
        registry.register(r);
        (r.price, r.stake, r.token) = (100, 200, other);
        refuse(abi.encodeWithSelector(IServiceRegistry.NotAToken.selector, other));
        registry.register(r);
    }

    function test_stake_of_exactly_the_multiple_suffices() public {
        IServiceRegistry.Registration memory r = registration();
        (r.salt, r.stake) = ("second", 200);
        vm.prank(provider);
        vm.assertTrue(registry.isActive(registry.register(r)));
    }

    function test_stake_is_added() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.StakeAdded(service, 50, STAKE + 50);
        vm.prank(provider);
        registry.addStake(service, 50);
        assertStake(STAKE + 50, 0, 0);
        vm.assertEq(token.balanceOf(address(registry)), STAKE + 50);
        refuse(abi.encodePacked(IServiceRegistry.ZeroAmount.selector));
        registry.addStake(service, 0);
        refuse(abi.encodeWithSelector(IServiceRegistry.WrongValue.selector, 0, 1));
        registry.addStake{value: 1}(service, 1);
    }

    function test_price_and_metadata_change() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceUpdated(service, 500, "ipfs://new");
        vm.prank(provider);
        registry.update(service, 500, "ipfs://new");
        vm.assertEq(registry.serviceOf(service).price, 500);
        vm.assertEq(registry.serviceOf(service).metadataURI, "ipfs://new");
        refuse(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, service, 1002, 1000));
        registry.update(service, 501, "");
    }

    function test_unlisted_service_may_have_any_price_but_is_not_listed_with_it() public {
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceListed(service, false);
        vm.startPrank(provider);
        registry.setListed(service, false);
        vm.assertFalse(registry.isActive(service));
        registry.update(service, 501, "");
        expect(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, service, 1002, 1000));
        registry.setListed(service, true);
        registry.update(service, 500, "");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ServiceListed(service, true);
        registry.setListed(service, true);
        vm.assertTrue(registry.isActive(service));
    }

    function test_only_the_provider_manages() public {
        bytes memory refusal = abi.encodeWithSelector(IServiceRegistry.NotTheProvider.selector, service, anybody);
        vm.startPrank(anybody);
        expect(refusal);
        registry.addStake(service, 1);
        expect(refusal);
        registry.update(service, 1, "");
        expect(refusal);
        registry.setListed(service, false);
        expect(refusal);
        registry.proposeArbiter(service, other);
        expect(refusal);
        registry.requestWithdrawal(service, 1);
        expect(refusal);
        registry.withdraw(service, anybody);
    }

    function test_withdrawal_waits_longer_than_disputes_can_be_opened() public {
        uint256 from = block.timestamp + 14 days;
        vm.expectEmit(address(registry));
        emit IServiceRegistry.WithdrawalRequested(service, 300, from);
        vm.prank(provider);
        registry.requestWithdrawal(service, 300);
        vm.assertEq(registry.freeStake(service), 700);
        vm.warp(from - 1);
        refuse(abi.encodeWithSelector(IServiceRegistry.TooEarly.selector, from, from - 1));
        registry.withdraw(service, other);
        vm.warp(from);
        vm.expectEmit(address(registry));
        emit IServiceRegistry.StakeWithdrawn(service, other, 300, 700);
        vm.prank(provider);
        vm.assertEq(registry.withdraw(service, other), 300);
        vm.assertEq(token.balanceOf(other), 300);
        assertStake(700, 0, 0);
        refuse(abi.encodeWithSelector(IServiceRegistry.NothingToWithdraw.selector, service));
        registry.withdraw(service, other);
    }

    function test_new_request_begins_the_delay_again() public {
        vm.prank(provider);
        registry.requestWithdrawal(service, 300);
        vm.warp(block.timestamp + 14 days);
        vm.prank(provider);
        registry.requestWithdrawal(service, 400);
        assertStake(STAKE, 0, 400);
        refuse(abi.encodeWithSelector(IServiceRegistry.TooEarly.selector, block.timestamp + 14 days, block.timestamp));
        registry.withdraw(service, provider);
    }

    function test_listed_service_keeps_the_stake_of_its_price() public {
        refuse(abi.encodeWithSelector(IServiceRegistry.MoreThanStaked.selector, service, 1000, 1001));
        registry.requestWithdrawal(service, 1001);
        refuse(abi.encodeWithSelector(IServiceRegistry.StakeTooSmall.selector, service, 200, 199));
        registry.requestWithdrawal(service, 801);
        vm.startPrank(provider);
        registry.requestWithdrawal(service, 800);
        registry.setListed(service, false);
        registry.requestWithdrawal(service, 1000);
        vm.warp(block.timestamp + 14 days);
        registry.withdraw(service, provider);
        assertStake(0, 0, 0);
        vm.assertEq(token.balanceOf(provider), FUNDS);
        vm.assertEq(token.balanceOf(address(registry)), 0);
    }

    function test_withdrawal_refuses_to_burn_or_to_stay() public {
        vm.prank(provider);
        registry.requestWithdrawal(service, 300);
        vm.warp(block.timestamp + 14 days);
        refuse(abi.encodePacked(IServiceRegistry.ZeroAddress.selector));
        registry.withdraw(service, address(0));
        refuse(abi.encodeWithSelector(IServiceRegistry.InexactTransfer.selector, address(token), 300, 0));
        registry.withdraw(service, address(registry));
    }

    function test_withdrawal_of_coins() public {
        IServiceRegistry.Registration memory r = registration();
        (r.salt, r.token) = ("coins", address(0));
        vm.startPrank(provider);
        bytes32 id = registry.register{value: STAKE}(r);
        registry.requestWithdrawal(id, 300);
        vm.warp(block.timestamp + 14 days);
        address coinless = address(new Coinless());
        expect(abi.encodeWithSelector(IServiceRegistry.TransferFailed.selector, coinless, 300));
        registry.withdraw(id, coinless);
        registry.withdraw(id, other);
        vm.assertEq(other.balance, 300);
    }

    function test_arbiter_changes_only_after_the_delay() public {
        uint256 from = block.timestamp + 14 days;
        address next = named("next arbiter");
        vm.expectEmit(address(registry));
        emit IServiceRegistry.ArbiterProposed(service, next, from);
        vm.prank(provider);
        registry.proposeArbiter(service, next);
        vm.warp(from - 1);
        vm.assertEq(registry.arbiterOf(service), arbiter);
        vm.warp(from);
        vm.assertEq(registry.arbiterOf(service), next);
        vm.prank(provider);
        registry.proposeArbiter(service, other);
        vm.assertEq(registry.arbiterOf(service), next);
        vm.warp(from + 14 days);
        vm.assertEq(registry.arbiterOf(service), other);
    }

    function test_new_proposal_replaces_one_that_waits() public {
        vm.startPrank(provider);
        registry.proposeArbiter(service, named("next arbiter"));
        vm.warp(block.timestamp + 13 days);
        registry.proposeArbiter(service, other);
        vm.warp(block.timestamp + 13 days);
        vm.assertEq(registry.arbiterOf(service), arbiter);
        expect(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, provider));
        registry.proposeArbiter(service, provider);
        expect(abi.encodePacked(IServiceRegistry.ZeroAddress.selector));
        registry.proposeArbiter(service, address(0));
        expect(abi.encodeWithSelector(IServiceRegistry.PartialArbiter.selector, treasury));
        registry.proposeArbiter(service, treasury);
    }
}
