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

    /// @dev None is the mode of whoever is no operator: nothing was ever written for it, or it was deleted.
    enum Mode {
        None,
        Running,
        Paused
    }

    /// @dev What a payment asks of the wallet as a whole.
    struct State {
        Mode mode;
        bool payeesOnly;
        uint64 approvals;
    }

    /// @dev Each change of the state writes a slot for each operator, so this bounds what `pause` costs.
    uint256 private constant _MOST_OPERATORS = 16;

    State private _state;
    /// @dev The wallet's state once more for each operator, and for nobody else: one slot tells a payment who asks and what holds.
    mapping(address operator => State) private _states;
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
        _setMode(Mode.Paused);
        emit Paused(msg.sender);
    }

    function unpause() external onlyOwner {
        _setMode(Mode.Running);
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
        return _state.mode == Mode.Paused;
    }

    function payeesOnly() external view returns (bool) {
        return _state.payeesOnly;
    }

    function operators() external view returns (address[] memory) {
        return _operators.values();
    }

    function isOperator(address account) public view returns (bool) {
        return _states[account].mode != Mode.None;
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

    // Checks -------------------------------------------------------------------------------------------------------

    /// @dev The state by an operator's own slot. Reverts for anybody else, and while paused.
    function _stateFor(address operator) internal view returns (State storage state) {
        state = _states[operator];
        if (state.mode == Mode.None) revert NotOperator(operator);
        _requireRunning(state.mode);
    }

    /// @dev The state for those who need not be operators: collectors and the owner. Reverts while paused.
    function _stateForOthers() internal view returns (State storage state) {
        state = _state;
        _requireRunning(state.mode);
    }

    /// @dev False while paused, and for who is no operator.
    function _isRunning(address operator) internal view returns (bool) {
        return _states[operator].mode == Mode.Running;
    }

    function _requireRunning(Mode mode) private pure {
        if (mode != Mode.Running) revert WalletPaused();
    }

    // Changes, also for the initial configuration ------------------------------------------------------------------

    function _configure(Configuration calldata configuration) internal {
        _setGuardian(configuration.guardian);
        _setMode(Mode.Running);
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

    /// @dev The only place where the state changes, for the wallet and all its operators at once.
    function _setState(State memory state) private {
        _state = state;
        for (uint256 i = 0; i < _operators.length(); ++i) {
            _states[_operators.at(i)] = state;
        }
    }

    function _setMode(Mode mode) private {
        State memory state = _state;
        state.mode = mode;
        _setState(state);
    }

    function _setOperator(address operator, bool enabled) private {
        _set(_operators, operator, enabled);
        if (_operators.length() > _MOST_OPERATORS) revert TooManyOperators(_MOST_OPERATORS);
        if (enabled) _states[operator] = _state;
        else delete _states[operator];
        emit OperatorSet(operator, enabled);
    }

    function _setPayee(address payee, bool allowed) private {
        _set(_payees, payee, allowed);
        emit PayeeSet(payee, allowed);
    }

    function _setPayeesOnly(bool only) private {
        State memory state = _state;
        state.payeesOnly = only;
        _setState(state);
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
        State memory state = _state;
        state.approvals = uint64(approvals); // at most the number of approvers
        _setState(state);
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
