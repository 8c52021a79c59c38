// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IAgentWallet} from "../interfaces/IAgentWallet.sol";
import {Domain} from "./Domain.sol";
import {Eip3009} from "../libraries/Eip3009.sol";
import {Limit} from "../libraries/Limit.sol";

/// @notice What the owner decides: who may spend, to whom, how much, and whether at all.
abstract contract Settings is IAgentWallet, Domain {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @dev `operator` is one of the operators: the usual one is recognised without reading a second slot. Zero when that one was removed.
    struct State {
        address operator;
        bool paused;
        bool payeesOnly;
        uint64 approvals;
    }

    State internal _state;
    address private _guardian;
    EnumerableSet.AddressSet private _operators;
    EnumerableSet.AddressSet internal _payees;
    EnumerableSet.AddressSet internal _collectors;
    EnumerableSet.AddressSet internal _approvers;
    EnumerableSet.AddressSet private _tokens;
    mapping(address token => Limit) internal _limits;
    /// @dev By chain id as well: after a fork of the chain nothing is built for the other chain until the owner registers the domain again.
    mapping(address token => mapping(uint256 chainId => bytes32)) internal _domains;

    modifier onlyOwner() {
        if (msg.sender != owner()) revert NotOwner(msg.sender);
        _;
    }

    modifier onlyOperator() {
        if (!isOperator(msg.sender)) revert NotOperator(msg.sender);
        _;
    }

    modifier onlyOperatorOrOwner() {
        if (!isOperator(msg.sender) && msg.sender != owner()) revert NotOperator(msg.sender);
        _;
    }

    // Owner --------------------------------------------------------------------------------------------------------

    function setOperator(address operator, bool enabled) external onlyOwner {
        _setOperator(operator, enabled);
    }

    function setPayee(address payee, bool allowed) external onlyOwner {
        _setPayee(payee, allowed);
    }

    function setPayeesOnly(bool only) external onlyOwner {
        _setPayeesOnly(only);
    }

    function setCollector(address collector, bool enabled) external onlyOwner {
        _setCollector(collector, enabled);
    }

    function setApprovers(address[] calldata accounts, uint256 approvals) external onlyOwner {
        _setApprovers(accounts, approvals);
    }

    function setGuardian(address account) external onlyOwner {
        _setGuardian(account);
    }

    function setLimit(TokenLimit calldata limit) external onlyOwner {
        _setLimit(limit);
    }

    function pause() external {
        if (msg.sender != _guardian && msg.sender != owner()) revert NotOwnerOrGuardian(msg.sender);
        _state.paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyOwner {
        _state.paused = false;
        emit Unpaused(msg.sender);
    }

    // Views --------------------------------------------------------------------------------------------------------

    function owner() public view returns (address) {
        return address(bytes20(Clones.fetchCloneArgs(address(this))));
    }

    function guardian() external view returns (address) {
        return _guardian;
    }

    function paused() external view returns (bool) {
        return _state.paused;
    }

    function payeesOnly() external view returns (bool) {
        return _state.payeesOnly;
    }

    function operators() external view returns (address[] memory) {
        return _operators.values();
    }

    function isOperator(address account) public view returns (bool) {
        if (account == address(0)) return false;
        return account == _state.operator || _operators.contains(account);
    }

    function payees() external view returns (address[] memory) {
        return _payees.values();
    }

    function isPayee(address account) external view returns (bool) {
        return _payees.contains(account);
    }

    function collectors() external view returns (address[] memory) {
        return _collectors.values();
    }

    function approvers() external view returns (address[] memory accounts, uint256 needed) {
        return (_approvers.values(), _state.approvals);
    }

    function tokens() external view returns (address[] memory) {
        return _tokens.values();
    }

    function limits(address token) external view returns (uint256 perDay, uint256 perPayment, uint256 approvalAbove) {
        Limit limit = _limits[token];
        return (limit.perDay(), limit.perPayment(), limit.approvalAbove());
    }

    function domainSeparator(address token) external view returns (bytes32) {
        return _domains[token][block.chainid];
    }

    // Changes, also for the initial configuration ------------------------------------------------------------------

    function _configure(Configuration calldata configuration) internal {
        _setGuardian(configuration.guardian);
        _setPayeesOnly(configuration.payeesOnly);
        _setApprovers(configuration.approvers, configuration.approvals);
        for (uint256 i = 0; i < configuration.operators.length; ++i) {
            _setOperator(configuration.operators[i], true);
        }
        for (uint256 i = 0; i < configuration.payees.length; ++i) {
            _setPayee(configuration.payees[i], true);
        }
        for (uint256 i = 0; i < configuration.limits.length; ++i) {
            _setLimit(configuration.limits[i]);
        }
        for (uint256 i = 0; i < configuration.collectors.length; ++i) {
            _setCollector(configuration.collectors[i], true);
        }
    }

    function _setOperator(address operator, bool enabled) private {
        _set(_operators, operator, enabled);
        address usual = _state.operator;
        if (enabled && usual == address(0)) _state.operator = operator;
        if (!enabled && usual == operator) _state.operator = address(0);
        emit OperatorSet(operator, enabled);
    }

    function _setPayee(address payee, bool allowed) private {
        _set(_payees, payee, allowed);
        emit PayeeSet(payee, allowed);
    }

    function _setPayeesOnly(bool only) private {
        _state.payeesOnly = only;
        emit PayeesOnlySet(only);
    }

    function _setCollector(address collector, bool enabled) private {
        if (enabled) {
            if (collector.code.length == 0) revert NoCode(collector);
            if (_tokens.contains(collector)) revert TokenAsCollector(collector);
        }
        _set(_collectors, collector, enabled);
        emit CollectorSet(collector, enabled);
    }

    function _setApprovers(address[] calldata accounts, uint256 approvals) private {
        _approvers.clear();
        for (uint256 i = 0; i < accounts.length; ++i) {
            _set(_approvers, accounts[i], true);
        }
        uint256 count = _approvers.length();
        if (approvals > count || (approvals == 0 && count > 0)) revert TooFewApprovers(approvals, count);
        _state.approvals = uint64(approvals); // at most the number of approvers
        emit ApproversSet(accounts, approvals);
    }

    function _setGuardian(address account) private {
        _guardian = account;
        emit GuardianSet(account);
    }

    function _setLimit(TokenLimit calldata limit) private {
        address token = limit.token;
        if (limit.perDay == 0) {
            // slither-disable-next-line unused-return (whether it was there makes no difference)
            _tokens.remove(token);
        } else {
            if (token != address(0) && token.code.length == 0) revert NoCode(token);
            if (_collectors.contains(token)) revert TokenAsCollector(token);
            // slither-disable-next-line unused-return (whether it was there makes no difference)
            _tokens.add(token);
        }
        _limits[token] = _limits[token].withRules(limit.perDay, limit.perPayment, limit.approvalAbove);
        emit LimitSet(token, limit.perDay, limit.perPayment, limit.approvalAbove);
        _setDomain(token, limit.name, limit.version);
    }

    function _setDomain(address token, string calldata name, string calldata version) private {
        bool usable = bytes(name).length > 0 && token != address(0);
        _domains[token][block.chainid] = usable ? Eip3009.domainSeparator(name, version, token) : bytes32(0);
        emit DomainSet(token, name, version);
    }

    function _set(EnumerableSet.AddressSet storage set, address account, bool included) private {
        if (account == address(0)) revert ZeroAddress();
        // slither-disable-start unused-return (whether it was there makes no difference)
        if (included) set.add(account);
        else set.remove(account);
        // slither-disable-end unused-return
    }
}
