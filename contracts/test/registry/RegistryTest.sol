// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ServiceRegistry} from "../../src/ServiceRegistry.sol";
import {IPaymentRouter} from "../../src/interfaces/IPaymentRouter.sol";
import {IServiceRegistry} from "../../src/interfaces/IServiceRegistry.sol";
import {RouterTest} from "../router/RouterTest.sol";

/// @notice One service at 100 units with a stake of 1,000, and a payer who can pay for it. The treasury receives its payments.
abstract contract RegistryTest is RouterTest {
    uint256 internal constant STAKE = 1000;
    uint256 internal constant PRICE = 100;

    ServiceRegistry internal registry;
    address internal treasury = named("treasury");
    address internal arbiter = named("arbiter");
    address internal agent = named("agent");
    bytes32 internal service;

    function setUp() public virtual override {
        super.setUp();
        registry = new ServiceRegistry(router);
        token.mint(provider, FUNDS);
        vm.deal(provider, FUNDS);
        vm.prank(provider);
        token.approve(address(registry), FUNDS);
        vm.prank(payer);
        token.approve(address(registry), FUNDS);
        service = registered();
    }

    /// @dev A refusal is a failed assertion with the error that the registry gave.
    function registered() private returns (bytes32 id) {
        vm.prank(provider);
        try registry.register(registration()) returns (bytes32 made) {
            id = made;
        } catch (bytes memory refusal) {
            vm.assertEq(refusal, "", "registered");
        }
    }

    function registration() internal view returns (IServiceRegistry.Registration memory) {
        return IServiceRegistry.Registration({
            salt: "weather",
            payee: treasury,
            token: address(token),
            price: PRICE,
            stake: STAKE,
            arbiter: arbiter,
            metadataURI: "ipfs://weather"
        });
    }

    function payment(uint256 amount, bytes32 request) internal view returns (IPaymentRouter.ServicePayment memory p) {
        (p.token, p.provider, p.amount) = (address(token), treasury, amount);
        (p.service, p.agent, p.quantity, p.requestHash) = (service, agent, 1, request);
    }

    function paid(uint256 amount, bytes32 request) internal returns (IPaymentRouter.ServicePayment memory p) {
        p = payment(amount, request);
        vm.prank(payer);
        router.payForService(p);
    }

    function opened(uint256 amount, bytes32 request) internal returns (bytes32) {
        IPaymentRouter.ServicePayment memory p = paid(amount, request);
        vm.prank(payer);
        return registry.openDispute(payer, p, "evidence");
    }

    function refuse(bytes memory reason) internal {
        expect(reason);
        vm.prank(provider);
    }

    function assertStake(uint256 stake, uint256 locked, uint256 withdrawing) internal view {
        IServiceRegistry.Service memory s = registry.serviceOf(service);
        vm.assertEq(s.stake, stake, "stake");
        vm.assertEq(s.locked, locked, "locked");
        vm.assertEq(s.withdrawing, withdrawing, "withdrawing");
    }
}
