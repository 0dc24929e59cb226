"""MNIST as shipped, and data sets in folders like it."""

import gzip
import hashlib
from importlib import resources

import numpy as np
import pytest

from nndl.data import Dataset, Splits, load_folder, load_mnist, write_idx
from nndl.data.mnist import SHA256

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = SHA256


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


def make_folder(folder, n_train=12, n_test=5, **replaced):
    """Write a small data set to folder; replaced gives other arrays for some of its files."""
    rng = np.random.default_rng(0)
    arrays = {
        "train_images": rng.integers(0, 256, (n_train, 4, 3), dtype=np.uint8),
        "train_labels": rng.integers(0, 10, n_train, dtype=np.uint8),
        "test_images": rng.integers(0, 256, (n_test, 4, 3), dtype=np.uint8),
        "test_labels": rng.integers(0, 10, n_test, dtype=np.uint8),
    } | replaced
    for name, array in zip(SHA256, arrays.values()):
        write_idx(folder / name, array)
    return arrays


# MNIST


def test_the_shipped_files_have_the_canonical_hashes():
    canonical = {  # written out again: a changed SHA256 in the module must not go unseen
        TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    assert SHA256 == canonical
    notice = (resources.files("nndl.data") / "NOTICE").read_text()
    for name, expected in canonical.items():
        compressed = (resources.files("nndl.data") / f"{name}.gz").read_bytes()
        assert hashlib.sha256(gzip.decompress(compressed)).hexdigest() == expected
        assert f"{name}\n    {expected}\n" in notice


def test_the_splits_have_the_sizes_of_the_book(mnist):
    assert isinstance(mnist, Splits) and mnist._fields == ("training", "validation", "test")
    for dataset, n in zip(mnist, (50_000, 10_000, 10_000)):
        assert isinstance(dataset, Dataset)
        images, labels = dataset
        assert images is dataset.images and labels is dataset.labels
        assert images.shape == (n, 28, 28) and images.dtype == np.uint8
        assert labels.shape == (n,) and labels.dtype == np.uint8


def test_the_first_labels_are_those_of_mnist(mnist):
    assert mnist.training.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.validation.labels[:5].tolist() == [3, 8, 6, 9, 6]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_how_often_each_digit_is_there(mnist):
    train = np.concatenate([mnist.training.labels, mnist.validation.labels])
    assert np.bincount(train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert np.bincount(mnist.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip


def test_the_images_are_dark_ink_on_an_empty_border(mnist):
    for dataset in mnist:
        assert dataset.images.min() == 0 and dataset.images.max() == 255
        assert not dataset.images[:, 0, 0].any()
    assert mnist.training.images[0].sum() == 27525  # the first 5, by its ink


def test_nothing_in_the_splits_can_be_changed(mnist):
    for array in (array for dataset in mnist for array in dataset):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            array[5:][:1].reshape(-1)[0] = 1


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder that load_mnist takes for the installed package."""
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    return tmp_path


def test_another_file_in_mnists_place_is_refused(package):
    write_idx(package / f"{TRAIN_IMAGES}.gz", np.zeros((60_000, 1, 1), np.uint8))
    with pytest.raises(ValueError, match=f"(?s){TRAIN_IMAGES}.gz: .*SHA-256.*Reinstall nndl"):
        load_mnist()


def test_a_damaged_file_of_the_package_is_refused(package):
    (package / f"{TRAIN_IMAGES}.gz").write_bytes(b"\x1f\x8bjunk")
    with pytest.raises(ValueError, match=f"{TRAIN_IMAGES}.gz: .*damaged.*Reinstall nndl"):
        load_mnist()


def test_a_missing_file_of_the_package_says_what_to_do(package):
    with pytest.raises(FileNotFoundError, match=f"{TRAIN_IMAGES}.gz: .*Reinstall nndl"):
        load_mnist()


# Folders


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_a_folder_is_read_under_each_spelling(tmp_path, dot, compress):
    arrays = make_folder(tmp_path)
    for name in SHA256:
        path = tmp_path / name
        if compress:
            path.with_name(f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
            path = path.with_name(f"{name}.gz")
        if dot:
            path.rename(tmp_path / path.name.replace("-idx", ".idx"))

    training, validation, test = load_folder(str(tmp_path))
    assert np.array_equal(training.images, arrays["train_images"][:10])
    assert np.array_equal(training.labels, arrays["train_labels"][:10])
    assert np.array_equal(validation.images, arrays["train_images"][10:])
    assert np.array_equal(validation.labels, arrays["train_labels"][10:])
    assert np.array_equal(test.images, arrays["test_images"])
    assert np.array_equal(test.labels, arrays["test_labels"])
    for array in (*training, *validation, *test):
        assert array.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    "n, n_validation",
    [
        (2, 1),
        (5, 1),
        (11, 1),
        (12, 2),
        (17, 2),
        (59_999, 9_999),
        (60_000, 10_000),
        (70_000, 10_000),
    ],
)
def test_how_many_images_are_for_validation(tmp_path, n, n_validation):
    make_folder(
        tmp_path,
        train_images=np.zeros((n, 1, 1), np.uint8),
        train_labels=(np.arange(n) % 251).astype(np.uint8),
        test_images=np.zeros((5, 1, 1), np.uint8),
    )
    training, validation, _ = load_folder(tmp_path)
    assert len(validation.images) == len(validation.labels) == n_validation
    assert len(training.images) == len(training.labels) == n - n_validation
    assert validation.labels[0] == (n - n_validation) % 251


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_labels_of_any_integer_type_up_to_255(tmp_path, dtype):
    labels = np.arange(244, 256).astype(dtype)
    make_folder(tmp_path, train_labels=labels)
    training, validation, _ = load_folder(tmp_path)
    got = np.concatenate([training.labels, validation.labels])
    assert got.dtype == np.uint8 and np.array_equal(got, labels)


@pytest.mark.parametrize(
    "replaced, words",
    [
        (
            {"train_labels": np.zeros(11, np.uint8)},
            [TRAIN_LABELS, "expected 12 labels", TRAIN_IMAGES, "got 11", "same data set"],
        ),
        ({"test_labels": np.zeros(6, np.uint8)}, [TEST_LABELS, "expected 5 labels", "got 6"]),
        (
            {"test_images": np.zeros((5, 3, 4), np.uint8)},
            [TEST_IMAGES, "expected images of 4 x 3", TRAIN_IMAGES, "got 3 x 4"],
        ),
        (
            {"train_images": np.zeros((12, 4, 3), np.float32)},
            [TRAIN_IMAGES, "uint8", "got float32"],
        ),
        ({"train_images": np.zeros((12, 12), np.uint8)}, [TRAIN_IMAGES, "(n, h, w)", "(12, 12)"]),
        ({"train_labels": np.zeros(12, np.float64)}, [TRAIN_LABELS, "integers", "got float64"]),
        ({"train_labels": np.full(12, -1, np.int8)}, [TRAIN_LABELS, "0 to 255", "got -1 to -1"]),
        ({"test_labels": np.full(5, 256, np.int16)}, [TEST_LABELS, "0 to 255", "256 to 256"]),
        (
            {"train_images": np.zeros((1, 4, 3), np.uint8), "train_labels": np.zeros(1, np.uint8)},
            [TRAIN_IMAGES, "expected 2 or more images", "(1, 4, 3)"],
        ),
        (
            {"test_images": np.zeros((0, 4, 3), np.uint8), "test_labels": np.zeros(0, np.uint8)},
            [TEST_IMAGES, "expected 1 or more images", "(0, 4, 3)"],
        ),
        ({"train_images": np.zeros((12, 4, 0), np.uint8)}, [TRAIN_IMAGES, "1 x 1 pixel"]),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(tmp_path, replaced, words):
    make_folder(tmp_path, **replaced)
    with pytest.raises(ValueError) as caught:
        load_folder(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / words[0]))
    for word in words:
        assert word in str(caught.value)


def test_images_and_labels_swapped_are_refused(tmp_path):
    arrays = make_folder(tmp_path)
    make_folder(tmp_path, train_images=arrays["train_labels"], train_labels=arrays["train_images"])
    with pytest.raises(ValueError, match=f"{TRAIN_IMAGES}: expected images.*swapped"):
        load_folder(tmp_path)
    make_folder(tmp_path, train_labels=arrays["train_images"])
    with pytest.raises(ValueError, match=f"{TRAIN_LABELS}: expected labels.*swapped"):
        load_folder(tmp_path)


@pytest.mark.parametrize("name", SHA256)
def test_a_missing_file_names_the_folder_and_every_spelling(tmp_path, name):
    make_folder(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_folder(tmp_path)
    dotted = name.replace("-idx", ".idx")
    for word in (str(tmp_path), name, f"{name}.gz", dotted, f"{dotted}.gz"):
        assert word in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere"):
        load_folder(tmp_path / "nowhere")


def test_a_damaged_file_of_a_folder_is_named(tmp_path):
    make_folder(tmp_path)
    (tmp_path / TEST_LABELS).write_bytes(b"\0\0\x08\1\0\0\0\5abcd")
    with pytest.raises(ValueError, match=f"{TEST_LABELS} is cut short"):
        load_folder(tmp_path)


def test_a_slice_takes_examples(mnist):
    few = mnist.training[:1000]
    assert few.images.shape == (1000, 28, 28) and few.labels.shape == (1000,)
    assert np.array_equal(few.labels[:5], [5, 0, 4, 1, 9])
    assert mnist.training[0] is mnist.training.images
    assert repr(few) == "<1,000 images of 28 x 28, uint8, and their labels>"


def test_examples_are_taken_by_a_mask_and_by_their_numbers(mnist):
    test = mnist.test
    threes = test[test.labels == 3]
    assert len(threes.images) == 1010 and set(threes.labels) == {3}
    for numbers in ([5, 0, 5], np.array([5, 0, 5]), np.uint8([5, 0, 5])):
        some = test[numbers]
        assert type(some) is type(test) and np.array_equal(some.labels, test.labels[[5, 0, 5]])
        assert np.array_equal(some.images, test.images[[5, 0, 5]])
    assert test[np.int64(1)] is test.labels and test[-1] is test.labels
    assert np.array_equal(test[range(2)].labels, [7, 2])
    assert not any(array.flags.writeable for array in (*threes, *test[range(2)], *test[2:3]))
    with pytest.raises(IndexError, match=r"a pair, .*: example 7 is dataset\[7:8\]"):
        test[7]


def test_data_sets_are_put_one_behind_the_other(mnist):
    both = mnist.test[:2] + mnist.validation[:3]
    assert np.array_equal(both.labels, [7, 2, 3, 8, 6]) and both.images.shape == (5, 28, 28)
    assert not any(array.flags.writeable for array in both)
    with pytest.raises(TypeError):
        mnist.test + (1,)
