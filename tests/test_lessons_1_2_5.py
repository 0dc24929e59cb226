"""Lessons 1.1 to 2.4 and 5.0, with tiny settings: what each shows, and its figures."""

import numpy as np

from lessons import network_1_0_first_network as first_network
from lessons import network_1_1_hidden_neurons as hidden_neurons
from lessons import network_1_2_learning_rate as learning_rate
from lessons import network_1_3_what_it_sees as what_it_sees
from lessons import network_2_0_cross_entropy as cross_entropy
from lessons import network_2_1_overfitting as overfitting
from lessons import network_2_2_weight_initialisation as weight_initialisation
from lessons import network_2_3_all_together as all_together
from lessons import network_2_4_hyper_parameters as hyper_parameters
from lessons import network_5_0_vanishing_gradients as vanishing_gradients
from nndl import load_mnist
from nndl.data.mnist import Splits


def fewer_to_evaluate(monkeypatch, lesson, n=2000):
    """Let a lesson measure on n images, so that its test does not spend its time on that."""
    training, validation, test = load_mnist()
    monkeypatch.setattr(lesson, "load_mnist", lambda: Splits(training, validation[:n], test[:n]))


def figures(out, lesson):
    """The names of the figures that the one run of a lesson has left."""
    (folder,) = (out / lesson.__name__.split(".")[-1]).iterdir()
    assert (folder / "results.json").exists()
    return sorted(path.name for path in folder.glob("*.png"))


def test_steps_downhill_are_all_that_it_takes(tmp_path, capsys):
    measured = first_network.main(epochs=3, train_size=2000, out=tmp_path)
    assert measured["chance"] < 0.25 and measured["accuracy"] > 0.6
    assert measured["history"] == sorted(measured["history"]) and len(measured["history"]) == 3
    assert figures(tmp_path, first_network) == ["first_weights.png", "learning_curves.png",
                                                "outputs.png"]
    out = " ".join(capsys.readouterr().out.split())
    assert f"{100 * measured['accuracy']:.2f} % after 3 epochs on 2,000 images" in out


def test_one_hidden_neuron_is_too_few(tmp_path):
    measured = hidden_neurons.main(epochs=3, train_size=2000, out=tmp_path, runs=1)
    mean = {neurons: np.mean(runs) for neurons, runs in measured["accuracies"].items()}
    assert mean[1] < 0.3 and mean[3] < 0.5
    assert mean[10] > 0.6 and mean[30] > 0.6
    assert figures(tmp_path, hidden_neurons) == ["accuracy.png", "learning_curves.png"]


def test_an_output_that_no_image_moves_is_found():
    class Fixed:
        def feedforward(self, images):
            return np.tile(np.where(np.arange(10) == 6, 0.001, 0.5), (len(images), 1))

    class Data:
        images, labels = np.zeros((20, 1)), np.arange(20) % 10

    assert hidden_neurons.outputs_at_zero(Fixed(), Data) == [6]
    assert "1 of the 2 networks" in hidden_neurons.holes_said([([6], 0.83), ([], 0.92)])


def test_a_learning_rate_can_be_too_small_and_too_large(tmp_path):
    measured = learning_rate.main(epochs=3, train_size=2000, out=tmp_path, runs=1)
    (slow,), _, (right,), (fast,) = measured["accuracies"].values()
    assert right > 0.6 and slow < 0.3 and fast < 0.2
    (slow,), _, (right,), (fast,) = measured["slopes"].values()
    assert fast < 1e-3 * right < slow, "saturated where the steps were too large"
    costs = measured["costs"][0.001][0]
    assert costs == sorted(costs, reverse=True), "downhill, but slowly"
    assert figures(tmp_path, learning_rate) == ["learning_rates.png", "one_dimension.png"]


def test_downhill_in_one_dimension():
    assert learning_rate.one_dimension(0.5, v=8.0, steps=3) == [8, 4, 2, 1]
    assert learning_rate.one_dimension(2.0, steps=3) == [1, -1, 1, -1]
    assert abs(learning_rate.one_dimension(2.05)[-1]) > 1


def test_a_dense_network_sees_the_same_in_any_order_of_pixels(tmp_path):
    measured = what_it_sees.main(epochs=2, train_size=2000, out=tmp_path, runs=1)
    assert measured["darkness"] == 0.2225, "the book's"
    (ordered,), (disordered,) = measured["accuracies"].values()
    assert ordered > 0.5
    assert abs(ordered - disordered) < 0.03, "one step after the other the same, but for rounding"
    assert figures(tmp_path, what_it_sees) == ["darkness.png", "disorder.png", "misclassified.png"]


def test_what_a_digit_is_most_often_taken_for():
    labels, said = np.array([1, 1, 1, 1, 2]), np.array([1, 7, 7, 4, 2])
    assert what_it_sees.mistake(1, labels, said) == "7 (2 times)"
    assert what_it_sees.mistake(2, labels, said) == "-"


def test_with_the_cross_entropy_a_saturated_neuron_learns(tmp_path):
    measured = cross_entropy.main(epochs=1, train_size=2000, out=tmp_path, runs=1)
    first = measured["gradients"]
    wrong, very_wrong = "w = 0.6, b = 0.9", "w = b = 2"
    assert first[f"quadratic, {very_wrong}"] < 0.15 * first[f"quadratic, {wrong}"]
    assert first[f"cross-entropy, {very_wrong}"] > 1.1 * first[f"cross-entropy, {wrong}"]
    ends = {key: outputs[-1] for key, outputs in measured["outputs"].items()}
    assert round(ends[f"quadratic, {wrong}"], 2) == 0.09, "the book's"
    assert round(ends[f"quadratic, {very_wrong}"], 2) == 0.20, "the book's"
    for neurons in (30, 100):
        (quadratic,), (entropy,) = (measured["accuracies"][f"{cost}, {neurons}"]
                                    for cost in cross_entropy.COSTS)
        assert entropy > quadratic + 0.05, neurons
    assert figures(tmp_path, cross_entropy) == [
        "gradient.png", "network.png", "one_neuron_cost.png", "one_neuron_output.png"]


def test_few_images_are_learnt_by_heart_and_smaller_weights_help(tmp_path, monkeypatch):
    fewer_to_evaluate(monkeypatch, overfitting)
    monkeypatch.setattr(overfitting, "LMBDA_PER_IMAGE", 2e-3)  # a shorter lesson, a faster decay
    measured = overfitting.main(epochs=60, train_size=300, out=tmp_path, runs=1)
    (plain,), (l2,), (more,) = (measured[name] for name in (
        overfitting.PLAIN, overfitting.L2, overfitting.MORE_IMAGES))
    assert plain["training accuracy"][-1] > 0.97 and plain["validation accuracy"][-1] < 0.85
    assert measured["turn"] < 40, "the validation cost rises again"
    assert plain["validation cost"][-1] > 5 * plain["training cost"][-1]
    assert l2["size of w"][-1] < 0.6 * plain["size of w"][-1]
    assert l2["test accuracy"] > plain["test accuracy"] + 0.02
    assert l2["validation cost"][-1] < plain["validation cost"][-1]
    assert more["test accuracy"] > plain["test accuracy"] + 0.05
    assert figures(tmp_path, overfitting) == ["overfitting.png", "regularised.png", "test.png"]


def test_weights_by_one_over_root_n_in_do_not_saturate_and_learn_faster(tmp_path, monkeypatch):
    fewer_to_evaluate(monkeypatch, weight_initialisation)
    measured = weight_initialisation.main(epochs=2, train_size=2000, out=tmp_path, runs=1)
    assert abs(measured["std"]["large"] - 501**0.5) < 0.5, "the book's 22.4"
    assert abs(measured["std"]["default"] - 1.5**0.5) < 0.03, "the book's 1.22"
    assert measured["saturated"]["large"] > 0.4 and measured["saturated"]["default"] < 0.01
    (large,), (default,) = (measured["curves"][init] for init in ("large", "default"))
    assert default[0] > large[0] + 0.15
    assert measured["caught_up"] is None
    assert figures(tmp_path, weight_initialisation) == ["activations.png", "training.png", "z.png"]


def test_each_change_of_chapter_3_on_top_of_the_others(tmp_path, monkeypatch):
    fewer_to_evaluate(monkeypatch, all_together)
    measured = all_together.main(epochs=2, train_size=2000, out=tmp_path, runs=1)
    quadratic, entropy, regularised, default, last = (
        runs[0] for runs in measured["accuracies"].values())
    assert entropy > quadratic + 0.15
    assert abs(regularised - entropy) < 0.03, "in 400 steps weights hardly decay"
    assert default > entropy + 0.02 and last > quadratic + 0.15
    slow, fast = measured["costs"].values()
    assert 1 - slow[75] / slow[0] < 0.05 and 1 - fast[75] / fast[0] > 0.1
    assert figures(tmp_path, all_together) == [
        "1_cross_entropy_advantage.png", "2_cost_comparison.png", "3_regularization_effect.png",
        "4_initialization_comparison.png", "5_full_training.png"]


def test_hyper_parameters_are_found_step_by_step(tmp_path, monkeypatch):
    fewer_to_evaluate(monkeypatch, hyper_parameters, 1000)
    monkeypatch.setattr(hyper_parameters, "LMBDA_EPOCHS", 3)
    measured = hyper_parameters.main(epochs=10, train_size=1000, out=tmp_path, runs=1)
    signal = measured["signal"]
    assert signal[0] < 0.2 and signal[-1] > 0.8, "from noise to a signal"
    assert 0.05 <= measured["eta"] <= 2.5 and measured["eta"] == measured["threshold"] / 2
    by_lmbda = measured["by_lmbda"]
    assert len(by_lmbda) == 6 and by_lmbda[f"{measured['lmbda']:g}"] == max(by_lmbda.values())
    assert all(tests[-1] > 0.8 for tests in measured["tests"].values())
    steady, falling = measured["rates"].values()
    assert steady == [measured["eta"]] * 10
    assert falling[0] == measured["threshold"] and np.isclose(falling[-1], falling[0] / 16)
    steady, falling = measured["jumps"].values()
    assert falling < steady
    assert figures(tmp_path, hyper_parameters) == ["lambda.png", "learning_rates.png", "schedule.png"]


def test_where_no_improvement_ends_training():
    curve = [0.5, 0.7, 0.6, 0.65, 0.8, 0.8, 0.8, 0.79]
    assert hyper_parameters.stop_epoch(curve, 2) == 4
    assert hyper_parameters.stop_epoch(curve, 3) == 8, "to be as good as before is no improvement"
    assert hyper_parameters.stop_epoch(curve, 4) == 8, "the end"


def test_the_deeper_the_network_the_less_its_first_layer_learns(tmp_path, monkeypatch):
    fewer_to_evaluate(monkeypatch, vanishing_gradients, 1000)
    monkeypatch.setattr(vanishing_gradients, "BATCH_STEPS", 10)
    monkeypatch.setattr(vanishing_gradients, "DRAWS", 3)
    measured = vanishing_gradients.main(epochs=1, train_size=2000, out=tmp_path, runs=1)
    before = measured["ratios"]["before"]
    assert before["1"] == 1 > 0.35 > before["2"] > 3 * before["3"] > 9 * before["4"]
    assert before["4"] < 0.02
    for depth, book in vanishing_gradients.BOOK_NORMS.items():
        ours = measured["before"][str(depth)]
        assert np.allclose(ours, book, rtol=0.6), depth
    first = measured["ratios"]["first epoch"]
    assert first["1"] == 1 > first["2"] > first["3"] > first["4"]
    assert measured["curves"]["1"][0][-1] > measured["curves"]["4"][0][-1] + 0.3
    assert measured["half"]["4"] is None
    assert figures(tmp_path, vanishing_gradients) == [
        "gradients_1_2.png", "gradients_3_4.png", "neurons.png", "training.png"]


def test_norms_of_the_mean_gradient():
    net, data = vanishing_gradients.build_network(2), load_mnist().training[:20]
    net.backprop(*data)
    first, second = (layer for layer in net.layers[:-2] if layer.parameters)
    expected = [np.linalg.norm(layer.nabla_b) / 20 for layer in (first, second)]
    assert np.allclose(vanishing_gradients.norms(net, data), expected)
    assert vanishing_gradients.ratio([[1, 5, 4], [3, 5, 4]]) == 0.5
